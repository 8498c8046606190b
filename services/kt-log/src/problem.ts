import { type ProblemDetails, type ProblemTable, ServiceProblem } from "@mls-as/service-runtime";

/** Every way this service refuses a request: one row a code, never reused for another meaning. */
export const PROBLEMS = {
  malformed: {
    status: 400,
    title: "The request is not what this endpoint takes",
    remedy: "`path` names the field: of the TLS structure that the draft defines for this operation, or of the query.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The media type is not accepted here",
    remedy: "Send Content-Type: application/octet-stream.",
  },
  "body-too-large": { status: 413, title: "The body is too large", remedy: "Split the request." },
  "not-found": { status: 404, title: "There is nothing here", remedy: "Check the URL." },
  "method-not-allowed": { status: 405, title: "The method is not allowed here", remedy: "Check the method." },
  unauthorized: {
    status: 401,
    title: "The token is missing or wrong",
    remedy:
      "Send Authorization: Bearer with the token that the operator gave you (for updates: the writer-token file).",
  },
  "empty-log": { status: 503, title: "The log has no entry yet", remedy: "Run kt-log init." },
  "invalid-last": {
    status: 409,
    title: "The advertised tree size is not one of this log",
    remedy: "If this log has shown you that size, keep the evidence: it has lost or hidden entries.",
  },
  "label-unknown": { status: 404, title: "The log has no such label", remedy: "Check the label." },
  "version-unknown": { status: 404, title: "The label has no such version", remedy: "Search the greatest version." },
  "version-expired": {
    status: 410,
    title: "The version can only be proven from expired entries",
    remedy: "Search the greatest version.",
  },
  "value-deleted": { status: 410, title: "The value was erased", remedy: "Nothing can be done." },
  "invalid-start": {
    status: 409,
    title: "The starting position is not an unexpired distinguished entry",
    remedy: "Walk the distinguished heads and choose one of them.",
  },
  "invalid-entries": {
    status: 400,
    title: "The monitoring map is not one that the protocol produces",
    remedy: "Send the map as the client state holds it.",
  },
  "stale-version": {
    status: 409,
    title: "The greatest version of the label is another one",
    remedy: "Read the label again and build on its greatest version.",
  },
  "nothing-to-update": { status: 400, title: "The update has no values", remedy: "Send at least one value." },
  "too-many-values": { status: 413, title: "More values than one update can hold", remedy: "Split the update." },
  "wrong-mode": {
    status: 409,
    title: "The operation does not exist in this log's deployment mode",
    remedy: "See GET /v1/configuration.",
  },
  "invalid-position": {
    status: 409,
    title: "No credential can be made from that entry",
    remedy: "Name a distinguished entry at or after the version's entry.",
  },
  "no-distinguished-head": {
    status: 409,
    title: "The credential needs no update, or cannot have one yet",
    remedy: "Ask again when the log has a distinguished entry right of the credential's.",
  },
  "invalid-update-signature": {
    status: 403,
    title: "The signature over the update does not verify",
    remedy: "Sign UpdateTBS with the leaf key of the configuration.",
  },
  "invalid-auditor-head": {
    status: 403,
    title: "The auditor's tree head is not one that users would accept",
    remedy: "Audit up to the newest entry and sign that view.",
  },
  "rolled-back": {
    status: 503,
    title: "The log has fewer entries than it has shown, and signs nothing",
    remedy: "The operator must restore the newest database; see docs/operating-the-log.md. Keep the evidence.",
  },
  "no-leader": {
    status: 503,
    title: "No process makes log entries at the moment",
    remedy: "Repeat the same request after Retry-After; another process takes over within seconds.",
  },
  "auditor-late": {
    status: 503,
    title: "The auditor lags too far behind for users to accept an answer",
    remedy: "Repeat the same request later; the operator or the auditor must find out why the audit stands still.",
  },
  "witnesses-late": {
    status: 503,
    title: "The witnesses lag too far behind",
    remedy: "Repeat the same request later; the operator or the witnesses must find out why no quorum has cosigned.",
  },
  "not-witnessed": {
    status: 503,
    title: "No checkpoint with a quorum of cosignatures covers that entry yet",
    remedy: "Repeat the same request after Retry-After.",
  },
  "witnessing-off": {
    status: 404,
    title: "This log asks no witnesses",
    remedy: "Do not demand witnesses of this log; its operator can configure them.",
  },
  "signer-unavailable": {
    status: 503,
    title: "The key that signs tree heads cannot be used now",
    remedy: "Repeat the same request later; an update is idempotent. The operator looks after the token.",
  },
  "storage-unavailable": {
    status: 503,
    title: "The log could not store the update",
    remedy:
      "Repeat the same request later; an update is idempotent. The operator finds the cause in the service's log.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    remedy: "Repeat the same request after Retry-After.",
  },
  overloaded: {
    status: 503,
    title: "Too many updates are waiting",
    remedy: "Repeat the same request after Retry-After; an update is idempotent.",
  },
  "shutting-down": { status: 503, title: "The log is shutting down", remedy: "Repeat the same request later." },
  internal: { status: 500, title: "An error of this service", remedy: "Tell the operator the request id." },
} as const satisfies ProblemTable;

/** Closed set of error codes of this service. */
export type ProblemCode = keyof typeof PROBLEMS;

const KIND = { namespace: "urn:kt-log:problem:", table: PROBLEMS };

/** A refusal; answered as a problem document (RFC 9457). */
export class Problem extends ServiceProblem<ProblemCode> {
  constructor(code: ProblemCode, detail?: string, details?: ProblemDetails) {
    super(KIND, code, detail, details);
  }
}
