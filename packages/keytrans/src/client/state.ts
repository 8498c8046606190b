import type { OwnerHistory, RetainedEntry } from "../algorithms/index.js";
import type { SearchedKey } from "../prefix-tree/evaluate.js";
import type { AuditorTreeHead, MonitorMapEntry, TreeHead } from "../structs/index.js";

/** What a user retains of the newest tree it verified. Draft section "Updating Views of the Tree", "Algorithm". */
export interface TreeView {
  readonly treeHead: TreeHead;
  readonly auditorTreeHead: AuditorTreeHead | undefined;
  readonly root: Uint8Array;
  /** Full subtree values, left to right. */
  readonly heads: readonly Uint8Array[];
  /** Log entries along the frontier, left to right. */
  readonly frontier: readonly RetainedEntry[];
}

/** A distinguished entry with the log as it was when this entry was the rightmost. */
export interface KnownDistinguished extends RetainedEntry {
  /** Full subtree values of the log with `position + 1` entries. */
  readonly heads: readonly Uint8Array[];
  /** Root of that log. */
  readonly root: Uint8Array;
  /** That log's frontier, left to right; the last is this entry. */
  readonly frontier: readonly RetainedEntry[];
}

/** What a user remembers of one label. */
export interface LabelState {
  readonly label: Uint8Array;
  /** Contact monitoring map, ascending by position. */
  readonly monitoring: readonly MonitorMapEntry[];
  /** Set for labels this user owns. */
  readonly owner: OwnerHistory | undefined;
  /** VRF outputs and commitments for the ladders still to come. */
  readonly versions: ReadonlyMap<number, SearchedKey>;
}

/** A user's whole protocol state. Immutable: verifying a response gives the next one. */
export interface ClientState {
  /** Undefined before the first response. */
  readonly view: TreeView | undefined;
  /** The recent distinguished entries this user knows, left to right. */
  readonly distinguished: readonly KnownDistinguished[];
  readonly labels: readonly LabelState[];
}

export const INITIAL_STATE: ClientState = { view: undefined, distinguished: [], labels: [] };

const sameLabel = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The state kept for a label, if any. */
export function labelState(state: ClientState, label: Uint8Array): LabelState | undefined {
  return state.labels.find((known) => sameLabel(known.label, label));
}

/** The state with one label's part replaced, or dropped when nothing of it needs to be kept. */
export function withLabel(state: ClientState, next: LabelState): ClientState {
  const others = state.labels.filter((known) => !sameLabel(known.label, next.label));
  const keep = next.owner !== undefined || next.monitoring.length > 0;
  return { ...state, labels: keep ? [...others, next] : others };
}
