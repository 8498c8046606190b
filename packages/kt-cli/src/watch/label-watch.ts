import { type ClientState, labelState, labelsToMonitor } from "@mls-as/keytrans/client";
import { LogClientError } from "@mls-as/kt-client";
import { decodeDeviceList, deviceListHash } from "@mls-as/mls-credentials";
import { equalBytes } from "@mls-as/tls-codec";
import { base64UrlBytes, labelBytes } from "../bytes-text.js";
import type { FoundVersion, ErasedVersion } from "../commands/search.js";
import { searchOne, versionOrErased } from "../commands/search.js";
import type { Predecessor } from "../device-list-view.js";
import type { Session } from "../pin.js";
import type { WatchedLabel } from "./watch-state.js";

/** What one look at a label gave. */
export interface LabelLook {
  /** Every version since the last look, oldest first. */
  readonly versions: readonly (FoundVersion | ErasedVersion)[];
  readonly greatest: FoundVersion;
  readonly before: Predecessor | undefined;
  readonly state: ClientState;
}

/** Reads every version of a label since the last look, and monitors as the protocol asks. Everything is verified. */
export async function lookAt(
  session: Session,
  start: ClientState,
  label: string,
  known: WatchedLabel | undefined,
  owned: boolean,
): Promise<LabelLook> {
  const bytes = labelBytes(label);
  const before = known && predecessorOf(known);
  const first = await searchOne(session, start, bytes, undefined);
  let { state } = first;
  const versions: (FoundVersion | ErasedVersion)[] = [];
  const from = known === undefined ? (owned ? 0 : first.found.result.version) : known.version + 1;
  let previous = before;
  for (let version = from; version < first.found.result.version; version++) {
    const next = await versionOrErased(session, state, bytes, version, previous);
    versions.push(next.found);
    ({ state } = next);
    previous = "value" in next.found && next.found.value.kind === "device-list" ? next.found.value : undefined;
  }
  const { result } = first.found;
  let greatest = first.found;
  if (from <= result.version) {
    const last = await searchOne(session, state, bytes, result.version, previous);
    greatest = { ...first.found, value: last.found.value };
    ({ state } = last);
    versions.push(greatest);
  }
  return { versions, greatest, before, state: await monitor(session, state, bytes, owned) };
}

function predecessorOf({ value }: WatchedLabel): Predecessor | undefined {
  const bytes = base64UrlBytes(value, "watch.json: value");
  try {
    return { list: decodeDeviceList(bytes), hash: deviceListHash(bytes) };
  } catch {
    return undefined;
  }
}

/** Refusals that mean: this owner's state is behind, take ownership anew from where the log is. */
const BEHIND = new Set([
  "stale-version",
  "unauthorized",
  "invalid-start",
  "invalid-entries",
  "nothing-to-update",
  "not-found",
]);

async function monitor(session: Session, start: ClientState, label: Uint8Array, owned: boolean): Promise<ClientState> {
  const { connection } = session;
  let state = start;
  if (owned) {
    if (labelState(state, label)?.owner === undefined) return (await connection.ownerInit(state, { label })).state;
    try {
      return await ownerSteps(session, state, label);
    } catch (error) {
      if (!(error instanceof LogClientError) || !BEHIND.has(error.problem?.code ?? "")) throw error;
      return (await connection.ownerInit(state, { label })).state;
    }
  }
  if (labelsToMonitor(state).some((each) => equalBytes(each.label, label)))
    ({ state } = await connection.contactMonitor(state, { label }));
  return state;
}

/** Monitors until the rightmost distinguished entry is verified; learns of versions in between. */
async function ownerSteps({ connection }: Session, start: ClientState, label: Uint8Array): Promise<ClientState> {
  let state = start;
  for (let learned = false; ; ) {
    const step = await connection.ownerMonitor(state, { label });
    ({ state } = step);
    if (step.result.complete) return state;
    if (step.result.verified.length > 0) continue;
    if (learned) return state;
    learned = true;
    ({ state } = await connection.update(state, { label, values: [] }));
  }
}
