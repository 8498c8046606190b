import type { ChangeOrigin } from "@mls-as/mls-credentials";
import type { Sealing } from "./sealing.js";
import type { CredentialState, Intent, IntentState, RevocationOrigin, StoredCredential } from "./store.js";

export interface IntentRow {
  readonly id: string;
  readonly kind: "issue" | "revoke" | "policy";
  readonly label: Uint8Array;
  readonly idempotency_key: string;
  readonly request_hash: string;
  readonly origin: ChangeOrigin;
  readonly addition: Uint8Array | null;
  readonly version: number;
  readonly value: Uint8Array;
  readonly state: IntentState;
  readonly position: number | null;
  readonly proof_request: Uint8Array | null;
  readonly proof_response: Uint8Array | null;
  readonly created_at: number;
}

export function intentFromRow(sealing: Sealing, row: IntentRow): Intent {
  const open = (column: string, sealed: Uint8Array | null): Uint8Array | undefined =>
    sealed === null ? undefined : sealing.open(`intents.${column}`, row.id, sealed);
  const request = open("proof_request", row.proof_request);
  const response = open("proof_response", row.proof_response);
  return {
    id: row.id,
    kind: row.kind,
    label: sealing.openText("intents.label", row.id, row.label),
    idempotencyKey: row.idempotency_key,
    requestHash: row.request_hash,
    origin: row.origin,
    addition: open("addition", row.addition),
    version: row.version,
    value: sealing.open("intents.value", row.id, row.value),
    state: row.state,
    position: row.position ?? undefined,
    proof: request === undefined || response === undefined ? undefined : { request, response },
    createdAt: row.created_at,
  };
}

export interface CredentialRow {
  readonly id: string;
  readonly serial: string;
  readonly issuer: string;
  readonly identity: Uint8Array;
  readonly spki_hash: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly shard: number;
  readonly tbs: Uint8Array;
  readonly certificate: Uint8Array | null;
  readonly thumbprint: string | null;
  readonly proved_at: number;
  readonly state: CredentialState;
  readonly revoked_at: number | null;
  readonly reason: number | null;
  readonly revocation_origin: RevocationOrigin | null;
  readonly revocation_logged: number;
  readonly intent: string;
}

export function credentialFromRow(sealing: Sealing, row: CredentialRow): StoredCredential {
  const { revoked_at: revokedAt, reason, revocation_origin: origin, revocation_logged: logged } = row;
  const [user, client] = openIdentity(sealing, "credentials.identity", row.id, row.identity);
  return {
    id: row.id,
    serial: row.serial,
    issuer: row.issuer,
    user,
    client,
    spkiHash: row.spki_hash,
    notBefore: row.not_before,
    notAfter: row.not_after,
    shard: row.shard,
    tbs: sealing.open("credentials.tbs", row.id, row.tbs),
    certificate:
      row.certificate === null ? undefined : sealing.open("credentials.certificate", row.id, row.certificate),
    thumbprint: row.thumbprint ?? undefined,
    provedAt: row.proved_at,
    state: row.state,
    revocation:
      revokedAt === null || reason === null
        ? undefined
        : { revokedAt, reason, origin: origin ?? "operatorRevocation", logged: logged !== 0 },
    intent: row.intent,
  };
}

/** User and client URI in one sealed value; neither can hold a line feed. */
export function sealIdentity(sealing: Sealing, path: string, row: string, user: string, client: string): Uint8Array {
  return sealing.seal(path, row, `${user}\n${client}`);
}

export function openIdentity(sealing: Sealing, path: string, row: string, sealed: Uint8Array): [string, string] {
  const [user = "", client = ""] = sealing.openText(path, row, sealed).split("\n");
  return [user, client];
}
