import type { ClientState, SearchResult } from "@mls-as/keytrans/client";
import { type Exchange, LogClientError } from "@mls-as/kt-client";
import { type LoggedValue, type Predecessor, readValue } from "./device-list-view.js";
import type { Session } from "./pin.js";

/** One proven version. */
export interface FoundVersion {
  readonly result: SearchResult;
  readonly value: LoggedValue;
  readonly exchange: Exchange;
}

/** Why a log gives out no value of a version. Nothing proves it: anybody who answers for the log can say so. */
export type Erasure = "value-deleted" | "version-expired";

/** A version of the past whose value the log says it does not have any more. */
export interface ErasedVersion {
  readonly version: number;
  readonly erased: true;
  readonly reason: Erasure;
}

/** The log's word that a value is gone; undefined: another error. */
export function erasure(error: unknown): Erasure | undefined {
  const code = error instanceof LogClientError ? error.problem?.code : undefined;
  return code === "value-deleted" || code === "version-expired" ? code : undefined;
}

/** Searches one version and reads its value. */
export async function searchOne(
  session: Session,
  state: ClientState,
  label: Uint8Array,
  version: number | undefined,
  previous?: Predecessor,
): Promise<{ found: FoundVersion; state: ClientState }> {
  const answer = await session.connection.search(state, { label, version });
  const { result, exchange } = answer;
  const value = await readValue(result.value, label, result.version, session.pin.logId, result.timestamp, previous);
  return { found: { result, value, exchange }, state: answer.state };
}

/** A version, or the log's word that its value was erased. */
export async function versionOrErased(
  session: Session,
  state: ClientState,
  label: Uint8Array,
  version: number,
  previous: Predecessor | undefined,
): Promise<{ found: FoundVersion | ErasedVersion; state: ClientState }> {
  try {
    return await searchOne(session, state, label, version, previous);
  } catch (error) {
    const reason = erasure(error);
    if (reason === undefined) throw error;
    return { found: { version, erased: true, reason }, state };
  }
}

/**
 * What the version after `found` is held against: `found` itself, or, where that could not be read, the last one that
 * could, without its hash.
 */
export function followedBy(
  previous: Predecessor | undefined,
  found: FoundVersion | ErasedVersion,
): Predecessor | undefined {
  if ("erased" in found) return previous && { list: previous.list, hash: undefined };
  return found.value.kind === "device-list" ? found.value : undefined;
}
