import { createHash } from "node:crypto";
import { Continuity } from "@mls-as/mls-credentials";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import { toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import { checkToken } from "../enrolment/tokens.js";
import {
  checkKeys,
  checkLimits,
  checkNonce,
  composeIntent,
  journalWhenFree,
  oncePerRequest,
  readRequests,
  type WantedCredentials,
} from "../issuance/issue.js";
import { Problem } from "../problem.js";
import type { Intent, RenewalOrder, StoredCredential } from "../storage/store.js";
import { type DeviceRequest, subjectKeyOf } from "./device-request.js";

const SECTION = "Wire formats that are ours";

export interface RenewalRequest {
  readonly csrs: readonly Uint8Array[];
  /** TLS Continuity, one for each CSR, in order. */
  readonly continuities: readonly Uint8Array[];
  readonly token: string | undefined;
  readonly requestHash: string;
  readonly idempotencyKey: string | undefined;
  /** Verifies who asks; called only when the request is not a repetition. */
  readonly authenticate: () => Promise<DeviceRequest>;
}

/**
 * Certifies the next keys of a device on the word of its current one. The old credential stays valid until it expires
 * or is revoked; after the time that the policy sets the word alone is not enough.
 *
 * @throws Problem
 */
export async function renewCredentials(context: AppContext, id: string, request: RenewalRequest): Promise<Intent> {
  return await oncePerRequest(context, request, async (key) => {
    const { signer, nonce } = await request.authenticate();
    if (signer.id !== id)
      throw new Problem("signer-not-allowed", "A credential is renewed by its own key.", {
        path: "id",
        section: "HTTP",
      });
    const wanted = readRequests(context, request.csrs);
    if (wanted.client !== signer.client)
      throw new Problem("identity-mismatch", "The CSR names another client than the credential.", { path: "csrs[0]" });
    if (wanted.nonce !== nonce)
      throw new Problem("csr-batch", "The CSRs and the JWS carry different nonces.", { path: "csrs[0]" });
    const continuities = await checkContinuities(context, request.continuities, signer, wanted);
    return { label: wanted.user, decide: () => decideRenewal(context, signer, wanted, continuities, request, key) };
  });
}

/**
 * Decides on a renewal by `signer` and journals it.
 *
 * @param continuities one for each key, or none where possession of the old key was shown otherwise: contacts are then
 *   told that the identity changed
 */
export async function decideRenewal(
  context: AppContext,
  signer: StoredCredential,
  wanted: WantedCredentials,
  continuities: readonly Continuity[],
  request: Pick<RenewalRequest, "token" | "requestHash">,
  key: string,
): Promise<Intent> {
  await checkNonce(context, wanted);
  const now = context.now();
  const spkiHashes = wanted.requests.map(({ subjectPublicKeyInfo }) => sha256(subjectPublicKeyInfo));
  const same = spkiHashes.findIndex((hash) => toHex(hash) === signer.spkiHash);
  if (same >= 0 && !context.config.renewalToSameKey)
    throw new Problem("renewal-same-key", "The CSR is for the key that is to be replaced.", {
      path: `csrs[${same}]`,
      section: "Credential Expiration and Revocation",
    });
  const tokenHash =
    request.token === undefined
      ? undefined
      : await checkToken(context.store, request.token, { ...wanted, spkiHashes }, now);
  if (tokenHash === undefined && now - signer.provedAt > context.config.renewalByKey)
    throw new Problem("renewal-proof-required", "The last enrolment proof is too long ago.", {
      path: "token",
      section: "Validation policy",
    });
  return await journalWhenFree(context, wanted.user, async (view) => {
    await checkKeys(context, wanted.client, spkiHashes);
    await checkLimits(context, wanted, now);
    return await composeIntent(context, {
      wanted,
      view,
      key,
      tokenHash,
      reliesOn: [signer.id],
      continuities,
      origin: "renewal",
      approvals: [],
      provedAt: tokenHash === undefined ? signer.provedAt : now,
      requestHash: request.requestHash,
      actor: signer.client,
      reason: tokenHash === undefined ? "renewal by key" : "renewal by key and token",
    });
  });
}

async function checkContinuities(
  context: AppContext,
  encoded: readonly Uint8Array[],
  signer: StoredCredential,
  wanted: WantedCredentials,
): Promise<Continuity[]> {
  if (encoded.length !== wanted.requests.length)
    throw new Problem("continuity-mismatch", "There must be one continuity statement for each CSR.", {
      path: "continuity",
      section: SECTION,
    });
  const oldSpki = subjectKeyOf(signer);
  const continuities: Continuity[] = [];
  for (const [i, bytes] of encoded.entries()) {
    const path = `continuity[${i}]`;
    const continuity = decodeContinuity(bytes, path);
    const { tbs } = continuity;
    const newHash = sha256(wanted.requests[i]?.subjectPublicKeyInfo ?? new Uint8Array());
    if (
      !equalBytes(tbs.logId, context.logId) ||
      tbs.client !== signer.client ||
      !equalBytes(tbs.oldSpki, oldSpki) ||
      !equalBytes(tbs.newSpkiHash, newHash)
    )
      throw new Problem("continuity-mismatch", "It names another log, client or key.", { path, section: SECTION });
    if (!(await context.verifyContinuity(continuity)))
      throw new Problem("continuity-signature", "The signature does not verify.", { path, section: SECTION });
    continuities.push(continuity);
  }
  return continuities;
}

function decodeContinuity(bytes: Uint8Array, path: string): Continuity {
  try {
    return decode(Continuity, bytes);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new Problem("continuity-malformed", `Not a Continuity: ${error.message}.`, {
      path,
      section: SECTION,
      cause: error,
    });
  }
}

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

/**
 * When a credential should be renewed (RFC 9773, "RenewalInfo Objects"): in the last third of its life, at a moment of the
 * window that its holder draws, which spreads the load; where an operator ordered it earlier, then; at once when it is
 * revoked.
 *
 * @param backdate seconds that `not_before` lies before the issuance
 */
export function renewalWindow(
  { notBefore, notAfter, issuer, revocation }: StoredCredential,
  orders: readonly RenewalOrder[],
  backdate: number,
): { start: number; end: number } {
  if (revocation !== undefined) return { start: revocation.revokedAt - 1, end: revocation.revokedAt };
  const life = notAfter - notBefore;
  const usual = { start: notBefore + Math.floor((life * 2) / 3), end: notBefore + Math.floor((life * 5) / 6) };
  return orders
    .filter((order) => (order.issuer ?? issuer) === issuer && notBefore + backdate < order.issuedBefore)
    .reduce(
      (soonest, { start, end }) => (start < soonest.start ? { start, end: Math.min(end, usual.end) } : soonest),
      usual,
    );
}
