import type { DetectorState } from "./detector-state.js";
import type { Condition, EvidenceBundle } from "./finding.js";
import type { SightedCredential } from "./ghost-event.js";

/** A client that was seen with a key. */
interface KeyUse {
  readonly key: string;
  readonly client: string;
  readonly user: string;
  readonly certificates?: readonly string[];
}

/** SIGNATURE_KEY_REUSED over groups, KeyPackages and lists: a key belongs to the client first seen with it. */
export function noteKey(state: DetectorState, use: KeyUse): Condition[] {
  const { key, client, user } = use;
  const owner = state.keyOwners.get(key);
  if (owner === undefined) {
    const { certificates } = use;
    state.keyOwners.set(key, { client, user, ...(certificates === undefined ? {} : { certificates }) });
  }
  if (owner === undefined || owner.client === client) return [];
  return [
    {
      kind: "SIGNATURE_KEY_REUSED",
      level: "confirmed",
      subject: `${key} ${client}`,
      user,
      client,
      since: state.now,
      detail: `the key of ${owner.client} is also used by ${client}`,
      evidence: reuseEvidence(state, use, owner),
    },
  ];
}

/** Notes the key of a credential, unless it is not the certificate's own. */
export function noteCredentialKey(state: DetectorState, credential: SightedCredential): Condition[] {
  const { type, keyMatches, spkiHash: key, client, reference: user, certificates } = credential;
  if (type !== "x509" || !keyMatches || key === "") return [];
  return noteKey(state, { key, client, user, ...(certificates === undefined ? {} : { certificates }) });
}

function reuseEvidence(
  state: DetectorState,
  use: KeyUse,
  owner: { readonly user: string; readonly certificates?: readonly string[] },
): EvidenceBundle {
  const certificates = [...(use.certificates ?? []), ...(owner.certificates ?? [])];
  const lists = [...new Set([use.user, owner.user])].flatMap((user) => state.logs.get(user)?.evidence().lists ?? []);
  return { ...(certificates.length === 0 ? {} : { certificates }), ...(lists.length === 0 ? {} : { lists }) };
}
