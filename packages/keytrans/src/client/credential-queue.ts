import { decode, equalBytes } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import type { WireFormat } from "../structs/index.js";
import {
  type CredentialResult,
  finalizeCredential,
  type PendingCredential,
  verifyCredential,
  verifyCredentialUpdate,
} from "./credential.js";
import type { ClientState } from "./state.js";
import type { ClientSetting } from "./verified-tree.js";

/**
 * Credentials that cannot be verified, or not finally, before this user knows more distinguished entries; and updates
 * that came too early. It stands beside `ClientState`, which no credential ever changes. Immutable. Draft section
 * "Provisional": queueing is what a user does instead of asking the log.
 */
export interface CredentialQueue {
  /** Rely on a distinguished entry right of all that are known here; as received. */
  readonly unverified: readonly Uint8Array[];
  /** Initially verified. */
  readonly provisional: readonly PendingCredential[];
  /** `CredentialUpdate`s that lead to a distinguished entry not known yet; as received. */
  readonly updates: readonly Uint8Array[];
}

export const EMPTY_CREDENTIAL_QUEUE: CredentialQueue = { unverified: [], provisional: [], updates: [] };

/** Most entries in each part of a queue: what comes from anyone must not fill the memory. */
export const MAX_QUEUED = 256;

/** A credential received. */
export interface ReceivedCredential {
  readonly queue: CredentialQueue;
  /** Undefined: kept unverified, because its distinguished entry is not known yet. Do not use it, and do not ask the log. */
  readonly result: CredentialResult | undefined;
}

/** An update received. */
export interface ReceivedUpdate {
  readonly queue: CredentialQueue;
  /** The credential that it finally verifies. Undefined: kept, because the head it leads to is not known yet. */
  readonly finalized: PendingCredential | undefined;
}

/** What became of a queue with more distinguished entries known. */
export interface SettledCredentials {
  readonly queue: CredentialQueue;
  /** Credentials verified (initially or finally) for the first time. */
  readonly verified: readonly CredentialResult[];
  /** Credentials finally verified that were provisional before. */
  readonly finalized: readonly PendingCredential[];
  /** What left the queue because it is wrong: report `distinguished-head-mismatch`, the log has shown two trees. */
  readonly refused: readonly {
    readonly bytes?: Uint8Array;
    readonly pending?: PendingCredential;
    readonly error: KeytransError;
  }[];
  /**
   * Expired before final verification, and still in the queue: obtain the update from the log itself, over an anonymous
   * channel where there is one (`credentialUpdateRequest`), and where that fails report the credential and forget it.
   */
  readonly overdue: readonly PendingCredential[];
}

const isUnknownHead = (error: unknown): error is KeytransError =>
  error instanceof KeytransError && error.code === "unknown-distinguished-head";

/** Verifies a credential, or keeps it for later. @throws KeytransError where it is wrong, expired, or the queue is full */
export async function receiveCredential(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  queue: CredentialQueue,
  bytes: Uint8Array,
): Promise<ReceivedCredential> {
  let result: CredentialResult;
  try {
    result = await verifyCredential(setting, wire, state, bytes);
  } catch (error) {
    if (!isUnknownHead(error) || !mayBecomeKnown(wire, state, bytes)) throw error;
    if (queue.unverified.some((known) => equalBytes(known, bytes))) return { queue, result: undefined };
    return { queue: { ...queue, unverified: added(queue.unverified, bytes, error) }, result: undefined };
  }
  const { pending } = result;
  if (pending === undefined) return { queue, result };
  if (finalizeCredential(state, pending)) return { queue, result: { ...result, final: true, pending: undefined } };
  for (const update of queue.updates)
    if ((await judged(setting, state, pending, update)) === "final")
      return {
        queue: { ...queue, updates: queue.updates.filter((other) => other !== update) },
        result: { ...result, final: true, pending: undefined },
      };
  if (queue.provisional.length >= MAX_QUEUED) throw full("credentials");
  return { queue: { ...queue, provisional: [...queue.provisional, pending] }, result };
}

/** Finally verifies a provisional credential, or keeps the update for later. @throws KeytransError */
export async function receiveCredentialUpdate(
  setting: ClientSetting,
  state: ClientState,
  queue: CredentialQueue,
  bytes: Uint8Array,
): Promise<ReceivedUpdate> {
  let early: KeytransError | undefined;
  let refusal: KeytransError | undefined;
  for (const pending of queue.provisional) {
    const verdict = await judged(setting, state, pending, bytes);
    if (verdict === "final") return { queue: forgetCredential(queue, pending), finalized: pending };
    if (isUnknownHead(verdict)) early ??= verdict;
    else refusal ??= verdict;
  }
  if (early === undefined && queue.unverified.length === 0) throw refusal ?? nothingWaits();
  if (queue.updates.some((known) => equalBytes(known, bytes))) return { queue, finalized: undefined };
  return { queue: { ...queue, updates: added(queue.updates, bytes, early) }, finalized: undefined };
}

/** Goes through a queue again, after the state has learned distinguished entries. Nothing is asked of anyone. */
export async function settleCredentials(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { unverified, provisional, updates }: CredentialQueue,
): Promise<SettledCredentials> {
  const verified: CredentialResult[] = [];
  const finalized: PendingCredential[] = [];
  const refused: SettledCredentials["refused"][number][] = [];
  let queue: CredentialQueue = { unverified: [], provisional: [], updates };
  for (const pending of provisional)
    try {
      if (finalizeCredential(state, pending)) finalized.push(pending);
      else queue = { ...queue, provisional: [...queue.provisional, pending] };
    } catch (error) {
      refused.push({ pending, error: expected(error) });
    }
  for (const bytes of unverified)
    try {
      const received = await receiveCredential(setting, wire, state, queue, bytes);
      queue = received.queue;
      if (received.result) verified.push(received.result);
    } catch (error) {
      refused.push({ bytes, error: expected(error) });
    }
  const waiting = queue.updates;
  queue = { ...queue, updates: [] };
  for (const bytes of waiting)
    try {
      const received = await receiveCredentialUpdate(setting, state, queue, bytes);
      queue = received.queue;
      if (received.finalized) finalized.push(received.finalized);
    } catch (error) {
      refused.push({ bytes, error: expected(error) });
    }
  const recent = new Set(state.distinguished.map(({ position }) => position));
  const overdue = queue.provisional.filter(({ position }) => !recent.has(position));
  return { queue, verified, finalized, refused, overdue };
}

/** The queue without a credential: final, reported, or of no interest any more. */
export function forgetCredential(queue: CredentialQueue, pending: PendingCredential): CredentialQueue {
  return { ...queue, provisional: queue.provisional.filter((other) => other !== pending) };
}

/** Final, or the reason why not (yet). */
async function judged(
  setting: ClientSetting,
  state: ClientState,
  pending: PendingCredential,
  update: Uint8Array,
): Promise<"final" | KeytransError> {
  try {
    await verifyCredentialUpdate(setting, state, pending, update);
    return "final";
  } catch (error) {
    return expected(error);
  }
}

/** Entries right of all known ones may become distinguished; those left of them have expired or never were. */
function mayBecomeKnown(wire: WireFormat, { distinguished }: ClientState, bytes: Uint8Array): boolean {
  return decode(wire.Credential, bytes).position > (distinguished.at(-1)?.position ?? -1);
}

function added(
  queued: readonly Uint8Array[],
  bytes: Uint8Array,
  why: KeytransError | undefined,
): readonly Uint8Array[] {
  if (queued.length >= MAX_QUEUED) throw why ?? full("updates");
  return [...queued, bytes];
}

function expected(error: unknown): KeytransError {
  if (error instanceof KeytransError) return error;
  throw error;
}

function full(what: string): KeytransError {
  return new KeytransError("invalid-argument", `${MAX_QUEUED} ${what} wait already`, "Provisional", "queue");
}

function nothingWaits(): KeytransError {
  return new KeytransError("missing-state", "no credential waits for an update", "Provisional", "queue");
}
