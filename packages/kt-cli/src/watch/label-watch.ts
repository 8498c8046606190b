import { type ClientState, labelState, labelsToMonitor } from "@mls-as/keytrans/client";
import { decodeDeviceList, deviceListHash } from "@mls-as/mls-credentials";
import { equalBytes } from "@mls-as/tls-codec";
import { base64UrlBytes, labelBytes, toBase64Url } from "../bytes-text.js";
import type { Predecessor } from "../device-list-view.js";
import { Failure } from "../failure.js";
import {
  type ErasedVersion,
  type Erasure,
  followedBy,
  type FoundVersion,
  searchOne,
  versionOrErased,
} from "../label-versions.js";
import type { Session } from "../pin.js";
import { monitorOwned, type OwnerMonitoring, type Shortfall } from "./owner-monitoring.js";
import type { UnreadVersion, WatchedLabel } from "./watch-state.js";

/** What one look at a label gave. */
export interface LabelLook {
  /** Every version since the last look, and those withheld before that can be read now; oldest first. */
  readonly versions: readonly (FoundVersion | ErasedVersion)[];
  readonly greatest: FoundVersion;
  readonly before: Predecessor | undefined;
  readonly state: ClientState;
  /** The owner's versions that the log does not show, in this look or any before. */
  readonly unread: readonly Withheld[];
  /** Why the owner's label was not inspected up to the newest distinguished entry; undefined: it was. */
  readonly shortfall: Shortfall | undefined;
  /** Where the owner stands: the rightmost distinguished entry that was inspected. */
  readonly ownedFrom: number | undefined;
  /** Entries between these were never inspected, as the owner accepted. */
  readonly skipped: OwnerMonitoring["skipped"];
}

export interface Withheld extends UnreadVersion {
  readonly reason: Erasure;
}

/** Whose label it is; an owner may accept what the log withheld so far. */
export type Watcher = { readonly owned: false } | { readonly owned: true; readonly acceptGaps: boolean };

/** Reads every version of a label since the last look, and monitors as the protocol asks. Everything is verified. */
export async function lookAt(
  session: Session,
  start: ClientState,
  label: string,
  known: WatchedLabel | undefined,
  watcher: Watcher,
): Promise<LabelLook> {
  const bytes = labelBytes(label);
  const before = known && predecessorOf(known);
  const first = await searchOne(session, start, bytes, undefined);
  const again = await readAgain(session, first.state, bytes, known?.unread ?? []);
  let { state } = again;
  const versions: (FoundVersion | ErasedVersion)[] = [];
  const from = known === undefined ? (watcher.owned ? 0 : first.found.result.version) : known.version + 1;
  let previous = before;
  for (let version = from; version < first.found.result.version; version++) {
    const next = await versionOrErased(session, state, bytes, version, previous);
    versions.push(next.found);
    ({ state } = next);
    previous = followedBy(previous, next.found);
  }
  const { result } = first.found;
  let greatest = first.found;
  if (from <= result.version) {
    const last = await searchOne(session, state, bytes, result.version, previous);
    greatest = { ...first.found, value: last.found.value };
    ({ state } = last);
    versions.push(greatest);
  }
  const read = { versions: [...again.found, ...versions], greatest, before };
  if (!watcher.owned) {
    state = await monitorContact(session, state, bytes);
    return { ...read, state, unread: [], shortfall: undefined, ownedFrom: undefined, skipped: undefined };
  }
  const monitoring = await monitorOwned(session, state, bytes, watcher.acceptGaps);
  const unread = watcher.acceptGaps ? [] : [...again.unread, ...withheldIn(versions)];
  return { ...read, ...monitoring, unread, ownedFrom: labelState(monitoring.state, bytes)?.owner?.start };
}

function predecessorOf({ value }: WatchedLabel): Predecessor | undefined {
  const bytes = base64UrlBytes(value, "watch.json: value");
  try {
    return { list: decodeDeviceList(bytes), hash: deviceListHash(bytes) };
  } catch {
    return undefined;
  }
}

/** Asks again for what was withheld, and holds it against what the version after it says of it. */
async function readAgain(
  session: Session,
  start: ClientState,
  label: Uint8Array,
  wanted: readonly UnreadVersion[],
): Promise<{ found: FoundVersion[]; unread: Withheld[]; state: ClientState }> {
  const found: FoundVersion[] = [];
  const unread: Withheld[] = [];
  let state = start;
  for (const { version, hash } of wanted) {
    const next = await versionOrErased(session, state, label, version, undefined);
    ({ state } = next);
    if ("erased" in next.found)
      unread.push({ version, ...(hash !== undefined && { hash }), reason: next.found.reason });
    else {
      if (hash !== undefined && !equalBytes(next.found.value.hash, base64UrlBytes(hash, "watch.json: hash")))
        throw new Failure(
          "value-rejected",
          `Version ${version + 1} continues another version ${version} than is logged.`,
          {
            reason: "invalid-change",
            path: "previousHash",
          },
        );
      found.push(next.found);
    }
  }
  return { found, unread, state };
}

/** What was withheld of these versions, with the hash that the version after each names. */
function withheldIn(versions: readonly (FoundVersion | ErasedVersion)[]): Withheld[] {
  return versions.flatMap((each, i) => {
    if (!("erased" in each)) return [];
    const next = versions[i + 1];
    const named = next !== undefined && "value" in next && next.value.kind === "device-list" ? next.value : undefined;
    const hash = named && { hash: toBase64Url(named.list.previousHash) };
    return [{ version: each.version, reason: each.reason, ...hash }];
  });
}

async function monitorContact({ connection }: Session, state: ClientState, label: Uint8Array): Promise<ClientState> {
  if (!labelsToMonitor(state).some((each) => equalBytes(each.label, label))) return state;
  return (await connection.contactMonitor(state, { label })).state;
}
