import { AnswerFields } from "./answer-fields.js";
import { ClientError } from "./client-error.js";
import { postSigned, type RequestSigner, signRequest } from "./device-request.js";
import { freshNonce } from "./enrolment.js";
import type { ServiceOptions } from "./service-request.js";

/** Why a credential is revoked, in the words of RFC 5280. */
export type RevocationReason =
  | "unspecified"
  | "keyCompromise"
  | "affiliationChanged"
  | "superseded"
  | "cessationOfOperation"
  | "privilegeWithdrawn";

export interface RevocationInput extends ServiceOptions {
  readonly service: string;
  /** The credential to revoke: of this device, or of another device of the same user. */
  readonly id: string;
  readonly reason: RevocationReason;
  /** A credential of this device that is still active. */
  readonly signer: RequestSigner;
}

export interface RevocationOutcome {
  /** Seconds since 1970; revoked from then on, whatever the log's pace. */
  readonly revokedAt: number;
  /** Whether the log holds the revocation already. If not, asking again with the same input tells when it does. */
  readonly logged: boolean;
}

/** Revokes a credential. A repetition changes nothing and tells whether the log holds it by now. @throws ClientError */
export async function revokeCredential(input: RevocationInput): Promise<RevocationOutcome> {
  const url = `${input.service}/v1/credentials/${input.id}/revocation`;
  const nonce = await freshNonce(input.service, input);
  const payload = new TextEncoder().encode(JSON.stringify({ reason: input.reason }));
  const jws = await signRequest(input.signer, { url, nonce, payload });
  const answer = new AnswerFields(await postSigned(url, jws, input));
  const revoked = answer.list("revoked").find((each) => each.text("id") === input.id);
  if (revoked === undefined) throw new ClientError("malformed-answer", "revoked", "says nothing of this credential");
  return { revokedAt: revoked.number("revokedAt"), logged: revoked.boolean("logged") };
}
