import { createHash, randomBytes } from "node:crypto";
import { isSecret } from "@mls-as/service-runtime";
import { toBase64Url, toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import type { DeviceRequest } from "../device/device-request.js";
import { checkKeys, checkNonce, readRequests } from "../issuance/issue.js";
import { Problem, type ProblemCode } from "../problem.js";
import type { ApprovalRequest } from "../storage/store.js";
import { checkApproval } from "./approvals.js";
import { nonceHash } from "./nonces.js";
import { tokenHash } from "./tokens.js";

/** Requests of one user that may wait at once: whoever knows a name can make them. */
const MOST_PENDING = 5;

export interface MadeRequest {
  readonly request: ApprovalRequest;
  /** Known to the waiting device only: shows what was decided, and is its enrolment token when the operator approves. */
  readonly secret: string;
}

/** Has a new device wait for the word of another one, or of the operator. @throws Problem */
export async function requestApproval(context: AppContext, csrs: readonly Uint8Array[]): Promise<MadeRequest> {
  const wanted = readRequests(context, csrs);
  await checkNonce(context, wanted);
  const hashes = wanted.requests.map(({ subjectPublicKeyInfo }) => sha256(subjectPublicKeyInfo));
  await checkKeys(context, wanted.client, hashes);
  const [now, id, secret] = [context.now(), toHex(randomBytes(16)), toBase64Url(randomBytes(32))];
  const request = {
    id,
    secretHash: tokenHash(secret),
    user: wanted.user,
    client: wanted.client,
    spkiHashes: hashes.map(toHex),
    expiresAt: now + context.config.tokenLifetime,
    nonce: { hash: nonceHash(wanted.nonce ?? ""), expiresAt: now + context.config.nonceLifetime },
  };
  const refused = await context.store.requestApproval(request, MOST_PENDING, now, {
    actor: wanted.client,
    action: "approval-requested",
    subject: wanted.user,
    detail: { request: id, client: wanted.client },
  });
  if (refused === "nonce-used")
    throw new Problem("nonce-used", "The nonce has been used.", { path: "csrs[0].challengePassword", section: "HTTP" });
  if (refused === "too-many")
    throw new Problem("too-many-approvals", `${MOST_PENDING} requests of this user are waiting.`, { retryAfter: 600 });
  return { request: await pendingOrDecided(context, id), secret };
}

/** A request, for the device that waits. @throws Problem */
export async function ownRequest(context: AppContext, id: string, secret: string): Promise<ApprovalRequest> {
  const request = await pendingOrDecided(context, id);
  if (!isSecret(tokenHash(secret), sha256(new TextEncoder().encode(request.secretHash))))
    throw new Problem("unauthorized", "The secret is missing or wrong.", { path: "Authorization", section: "HTTP" });
  return request;
}

/** Approves with the statements that go into the log, or denies. @throws Problem */
export async function decideByDevice(
  context: AppContext,
  id: string,
  { signer }: DeviceRequest,
  statements: readonly Uint8Array[] | undefined,
): Promise<ApprovalRequest> {
  const request = await context.store.approvalRequest(id);
  // What is someone else's does not exist, as far as a device can tell.
  if (request === undefined || request.user !== signer.user) throw unknown();
  if (statements !== undefined) await checkStatements(context, request, signer.client, statements);
  return await decide(context, request, signer.client, statements);
}

async function checkStatements(
  context: AppContext,
  request: ApprovalRequest,
  approver: string,
  statements: readonly Uint8Array[],
): Promise<void> {
  if (statements.length !== request.spkiHashes.length)
    throw new Problem("approval-mismatch", "There must be one approval for each key.", { path: "approval" });
  const latest = (await context.store.label(request.user))?.latest;
  const judged = { ...context, now: context.now(), approvalLifetime: context.config.approvalLifetime };
  for (const [i, statement] of statements.entries()) {
    const spkiHash = new Uint8Array(Buffer.from(request.spkiHashes[i] ?? "", "hex"));
    const device = { user: request.user, client: request.client, spkiHash };
    const { approval } = await checkApproval(judged, statement, device, latest, `approval[${i}]`);
    if (approval.tbs.approver !== approver)
      throw new Problem("approval-mismatch", "The approval is by another device than the request.", {
        path: `approval[${i}]`,
      });
  }
}

/** Approves, whereupon the waiting device's secret is an enrolment token, or denies. @throws Problem */
export async function decideByOperator(context: AppContext, id: string, approve: boolean): Promise<ApprovalRequest> {
  const request = await context.store.approvalRequest(id);
  if (request === undefined) throw unknown();
  return await decide(context, request, "operator", approve ? [] : undefined);
}

async function decide(
  context: AppContext,
  request: ApprovalRequest,
  actor: string,
  statements: readonly Uint8Array[] | undefined,
): Promise<ApprovalRequest> {
  const { id, user, client, secretHash, spkiHashes } = request;
  const now = context.now();
  const state = statements === undefined ? "denied" : "approved";
  const token =
    state === "approved" && actor === "operator"
      ? { hash: secretHash, user, client, spkiHashes, expiresAt: now + context.config.tokenLifetime }
      : undefined;
  const decision = { state, decidedBy: actor, approvals: (statements ?? []).map(toBase64Url) } as const;
  const audit = { actor, action: `approval-${state}`, subject: user, detail: { request: id, client } };
  if (!(await context.store.decideApproval(id, decision, token, now, audit)))
    throw new Problem("approval-closed", "The request was decided, or its time is over.", { path: "id" });
  return await pendingOrDecided(context, id);
}

async function pendingOrDecided(context: AppContext, id: string): Promise<ApprovalRequest> {
  const request = await context.store.approvalRequest(id);
  if (request === undefined) throw unknown();
  return request;
}

function unknown(): Problem {
  const code: ProblemCode = "approval-unknown";
  return new Problem(code, "There is no such request.", { path: "id" });
}

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}
