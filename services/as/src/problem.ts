import { type ProblemDetails, type ProblemTable, ServiceProblem } from "@mls-as/service-runtime";

/**
 * Every way this service refuses a request: one row a code, never reused for another meaning.
 * `status` is the HTTP status, `title` the stable summary (RFC 9457), `remedy` what the caller does about it.
 */
export const PROBLEMS = {
  "malformed-json": {
    status: 400,
    title: "The body is not JSON",
    remedy: "Send a JSON object with Content-Type application/json.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The media type is not accepted here",
    remedy: "Send the Content-Type that the endpoint documents.",
  },
  "invalid-field": {
    status: 400,
    title: "A field does not have the form it must have",
    remedy: "See `path` for the field and /openapi.json for its form.",
  },
  "unknown-field": {
    status: 400,
    title: "The body has a field that does not exist",
    remedy: "Remove the field that `path` names.",
  },
  "body-too-large": {
    status: 413,
    title: "The body is too large",
    remedy: "Split the request; limits are in the directory.",
  },
  "not-found": { status: 404, title: "There is nothing here", remedy: "Check the URL against /openapi.json." },
  "method-not-allowed": {
    status: 405,
    title: "The method is not allowed here",
    remedy: "Check the method against /openapi.json.",
  },
  unauthorized: {
    status: 401,
    title: "The bearer token is missing or wrong",
    remedy:
      "Send Authorization: Bearer with the content of the admin-token file (of feed-token for the revocation feed).",
  },
  "rate-limited": { status: 429, title: "Too many attempts", remedy: "Wait for the time in Retry-After." },
  "idempotency-key-reused": {
    status: 409,
    title: "The idempotency key belongs to another request",
    remedy: "Use a fresh key for a different body.",
  },

  "csr-malformed": {
    status: 400,
    title: "The CSR is not a DER PKCS#10 request",
    remedy: "Send one DER-encoded CertificationRequest (RFC 2986) without trailing bytes.",
  },
  "csr-subject": {
    status: 400,
    title: "The CSR has a subject name",
    remedy: "Leave the subject empty; names go into subjectAltName.",
  },
  "csr-attribute": {
    status: 400,
    title: "The CSR has an attribute or extension that is not accepted",
    remedy: "Only challengePassword and an extensionRequest with subjectAltName are accepted.",
  },
  "csr-names": {
    status: 400,
    title: "The CSR does not ask for exactly one user and one client URI",
    remedy: "Put exactly these two URIs into subjectAltName.",
  },
  "csr-signature": {
    status: 400,
    title: "The CSR's signature does not verify",
    remedy: "Sign the CSR with the private key of the public key in it.",
  },
  "csr-batch": {
    status: 400,
    title: "The CSRs of one request do not belong together",
    remedy: "All CSRs of a request name the same client, carry the same nonce and have different keys.",
  },
  "identity-invalid": {
    status: 400,
    title: "A name is not an identity URI",
    remedy: "Use mimi://{domain}/u/{user} and mimi://{domain}/d/{user}/{device} in canonical form.",
  },
  "identity-domain": {
    status: 403,
    title: "The name lies outside this service's domain",
    remedy: "Ask the service of that domain.",
  },
  "identity-mismatch": {
    status: 403,
    title: "The names are not those of the enrolment proof",
    remedy: "Ask for the names that the token or approval was made for.",
  },
  "key-algorithm": {
    status: 400,
    title: "The key algorithm is not accepted",
    remedy: "Use Ed25519, P-256, P-384 or P-521.",
  },
  "key-encoding": {
    status: 400,
    title: "The public key is not encoded as required",
    remedy: "Ed25519: 32 octets; NIST curves: the uncompressed point and a named curve.",
  },
  "key-weak": {
    status: 400,
    title: "The public key is not a safe key of its curve",
    remedy: "Make a fresh key pair; points off the curve or of small order are refused.",
  },
  "key-in-use": {
    status: 409,
    title: "The key is certified for another client",
    remedy: "Make a fresh key pair for every client.",
  },
  "key-blocked": { status: 403, title: "The key is known to be compromised", remedy: "Make a fresh key pair." },
  "nonce-missing": {
    status: 400,
    title: "The request carries no nonce",
    remedy: "Get one from POST /v1/nonces and put it into challengePassword or the JWS header.",
  },
  "nonce-invalid": {
    status: 400,
    title: "The nonce was not made by this service",
    remedy: "Get one from POST /v1/nonces.",
  },
  "nonce-expired": { status: 400, title: "The nonce is stale", remedy: "Get a fresh one from POST /v1/nonces." },
  "nonce-used": { status: 400, title: "The nonce has been used", remedy: "Get a fresh one from POST /v1/nonces." },

  "enrolment-proof-required": {
    status: 403,
    title: "The enrolment proofs do not satisfy the policy",
    remedy: "Send one of the combinations that the directory lists under `enrolment`.",
  },
  "enrolment-proof-unsupported": {
    status: 400,
    title: "This kind of enrolment proof is not set up here",
    remedy: "Send one of the kinds that the directory lists under `enrolment`.",
  },
  "token-unknown": { status: 403, title: "The enrolment token is not known", remedy: "Ask the operator for a token." },
  "token-expired": {
    status: 403,
    title: "The enrolment token has expired",
    remedy: "Ask the operator for a fresh token.",
  },
  "token-spent": {
    status: 403,
    title: "The enrolment token has been used",
    remedy: "Ask the operator for a fresh token.",
  },
  "approval-malformed": {
    status: 400,
    title: "The approval is not a DeviceApproval",
    remedy: "Send the TLS encoding of one DeviceApproval.",
  },
  "approval-mismatch": {
    status: 403,
    title: "The approval is for another log, user, client or key",
    remedy: "Have the approving device sign the key and names of this CSR.",
  },
  "approval-expired": { status: 403, title: "The approval has expired", remedy: "Have the device approve again." },
  "approval-lifetime": {
    status: 403,
    title: "The approval is good for too long",
    remedy: "Have the device approve again, with an expires_at within the limit that `detail` names.",
  },
  "approval-version": {
    status: 403,
    title: "The approval names a version that does not exist",
    remedy: "Put the version of the device list that the approver has seen into after_version.",
  },
  "approval-used": {
    status: 403,
    title: "The approval has been used",
    remedy: "Make a fresh key pair and have the device approve that.",
  },
  "approval-untrusted": {
    status: 403,
    title: "The approver is not an active device of this user",
    remedy: "Approve from a device with an active credential.",
  },
  "approval-signature": {
    status: 403,
    title: "The approval's signature does not verify",
    remedy: "Sign DeviceApprovalTBS with SignWithLabel and the label DeviceApproval.",
  },

  "approval-unknown": {
    status: 404,
    title: "There is no such request for approval",
    remedy: "Check the id; a device sees the requests of its own user only.",
  },
  "approval-closed": {
    status: 409,
    title: "The request for approval was decided, or its time is over",
    remedy: "Look at its state; have the new device ask again where that is meant.",
  },
  "too-many-approvals": {
    status: 429,
    title: "Too many devices of this user wait for approval",
    remedy: "Decide those that wait, or wait for the time in Retry-After.",
  },

  "jws-malformed": {
    status: 400,
    title: "The body is not a flattened JWS of the accepted form",
    remedy:
      "Protected header: exactly alg, nonce, url and x5t#S256 (in a compromise report jwk instead of x5t#S256); no unprotected header.",
  },
  "jws-algorithm": {
    status: 400,
    title: "The JWS algorithm does not fit the key",
    remedy: "Use the algorithm of the credential's key.",
  },
  "jws-url": {
    status: 403,
    title: "The JWS was signed for another URL",
    remedy: "Put the exact request URL into the protected header.",
  },
  "jws-signature": {
    status: 403,
    title: "The JWS signature does not verify",
    remedy: "Sign with the key of the credential that x5t#S256 names.",
  },
  "signer-unknown": {
    status: 403,
    title: "The signing credential is not known here",
    remedy: "x5t#S256 is the SHA-256 of the DER leaf certificate.",
  },
  "signer-inactive": {
    status: 403,
    title: "The signing credential is expired or revoked",
    remedy: "Sign with an active credential.",
  },
  "signer-not-allowed": {
    status: 403,
    title: "The signing credential may not do this",
    remedy: "Only the same user's devices may.",
  },
  "continuity-malformed": {
    status: 400,
    title: "The continuity statement is not a Continuity",
    remedy: "Send the TLS encoding of one Continuity for each CSR.",
  },
  "continuity-mismatch": {
    status: 403,
    title: "The continuity statement is for another log, client or key",
    remedy: "Sign this log, this client, the old and the new key.",
  },
  "continuity-signature": {
    status: 403,
    title: "The continuity statement's signature does not verify",
    remedy: "Sign ContinuityTBS with SignWithLabel and the label DeviceContinuity.",
  },
  "renewal-same-key": {
    status: 403,
    title: "The renewal is to the key that signs it",
    remedy: "Make a fresh key pair for every renewal.",
  },
  "renewal-proof-required": {
    status: 403,
    title: "Renewal by key alone has gone on for too long",
    remedy: "Send a fresh enrolment token with the renewal.",
  },

  "oidc-token-invalid": {
    status: 403,
    title: "The OpenID provider's token does not verify",
    remedy: "Send an unexpired token of the configured provider, made for the configured audience.",
  },
  "oidc-nonce-mismatch": {
    status: 403,
    title: "The OpenID provider's token is not bound to this key",
    remedy:
      "Use the base64url SHA-256 of the SubjectPublicKeyInfo as nonce of the authorization request, or constrain the access token to the key.",
  },
  "oidc-provider-unavailable": {
    status: 503,
    title: "The OpenID provider cannot be reached",
    remedy: "Try again later.",
  },

  "credential-unknown": {
    status: 404,
    title: "There is no such credential",
    remedy: "The id is the hex SHA-256 of the TBSCertificate.",
  },
  "credential-pending": {
    status: 409,
    title: "The credential is not issued yet",
    remedy: "Repeat the issuance request first.",
  },
  "credential-expired": { status: 409, title: "The credential has expired", remedy: "Nothing needs to be done." },
  "client-unknown": { status: 404, title: "There is no such client", remedy: "Check the client URI." },
  "user-active": {
    status: 409,
    title: "The user still has a credential or a change under way",
    remedy: "Revoke the user's devices, wait until the log holds it, and try again.",
  },
  "too-many-credentials": {
    status: 409,
    title: "The limit of unexpired credentials is reached",
    remedy: "Revoke credentials that are no longer used, or wait.",
  },

  "policy-pending": {
    status: 503,
    title: "The validation policy is not logged yet",
    remedy: "Try again after Retry-After.",
  },
  "policy-invalid": {
    status: 400,
    title: "The changed policy is not a validation policy",
    remedy: "See `path` for the member that is wrong.",
  },
  "policy-weakens": {
    status: 409,
    title: "The changed policy weakens protection",
    remedy: "Name what it weakens in `accept`, if that is meant.",
  },
  "label-busy": {
    status: 503,
    title: "Another change of this user's devices is under way",
    remedy: "Try again after Retry-After; the same body is safe to repeat.",
  },
  "log-unavailable": {
    status: 503,
    title: "The log does not answer",
    remedy: "Repeat the same request later; it will be resumed, not doubled.",
  },
  "log-refused": { status: 502, title: "The log refused the change", remedy: "Tell the operator; nothing was issued." },
  "log-proof-invalid": {
    status: 502,
    title: "The log's proof does not verify",
    remedy: "Tell the operator; nothing was signed.",
  },
  "issuance-pending": {
    status: 503,
    title: "The request is logged or being logged, and not signed yet",
    remedy: "Repeat the same request after Retry-After.",
  },
  "issuance-withdrawn": {
    status: 409,
    title: "The request was withdrawn",
    remedy: "Start again with a fresh nonce and CSR.",
  },
  "signer-unavailable": {
    status: 503,
    title: "The signing key cannot be used now",
    remedy: "Repeat the same request later.",
  },
  "storage-unavailable": {
    status: 503,
    title: "The database cannot be used now",
    remedy: "Repeat the same request later; it will be resumed, not doubled.",
  },
  overloaded: {
    status: 503,
    title: "Too many requests are being answered",
    remedy: "Repeat the same request after Retry-After.",
  },
  internal: { status: 500, title: "An error of this service", remedy: "Tell the operator the request id." },
} as const satisfies ProblemTable;

/** Closed set of error codes of this service; a table with causes and remedies is in `docs/errors.md`. */
export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal: turned into an `application/problem+json` document, and nothing else leaves the service. */
export class Problem extends ServiceProblem<ProblemCode> {
  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super({ namespace: "urn:mls-as:problem:", table: PROBLEMS }, code, detail, details);
  }
}
