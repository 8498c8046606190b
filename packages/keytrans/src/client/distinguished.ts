import { encode } from "@mls-as/tls-codec";
import { isExpired, type RetainedEntry, walkDistinguished } from "../algorithms/index.js";
import { DistinguishedHead, DistinguishedRequest, type WireFormat } from "../structs/index.js";
import { decodeResponse, encodeRequest, lastSize, onlyResponse, type Prepared, verifyResponse } from "./operation.js";
import type { ClientState, KnownDistinguished, TreeView } from "./state.js";
import { type ClientSetting, knownDistinguished } from "./verified-tree.js";

const SECTION = "Walking Distinguished Heads";

export interface DistinguishedResult {
  /** The recent distinguished entries right of `stop`, left to right; `root` is the log's when the entry was the rightmost. */
  readonly heads: readonly KnownDistinguished[];
  /** All recent roots known now, as an encoded `DistinguishedHead` to compare with other users. */
  readonly distinguishedHead: Uint8Array;
}

/**
 * Learns the recent distinguished entries right of `stop`, or all of them. With a `stop` right of the newest one known the
 * state learns none, so that it has no gaps. Draft section "Walking Distinguished Heads".
 */
export function prepareDistinguished(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { stop }: { readonly stop?: number | undefined } = {},
): Prepared<DistinguishedResult> {
  const request = encodeRequest(DistinguishedRequest, { last: lastSize(state), stop }, SECTION);
  return {
    request,
    async verify(bytes, now) {
      const response = decodeResponse(wire.DistinguishedResponse, onlyResponse(bytes, SECTION), SECTION);
      const { outcome, view, proven } = await verifyResponse(
        setting,
        state,
        response.fullTreeHead,
        response.distinguished,
        new Map(),
        now,
        (log) => walkDistinguished(log, { count: setting.recent }, stop),
      );
      const heads = knownDistinguished(proven, outcome);
      const distinguished = mergeDistinguished(setting, state.distinguished, { heads, after: stop, view });
      const distinguishedHead = encode(DistinguishedHead, { heads: distinguished.map(({ root }) => root) });
      return { result: { heads, distinguishedHead }, state: { ...state, view, distinguished } };
    },
  };
}

/** Distinguished entries of one tree, of which none is left out between `after` and the last. */
export interface LearnedRun {
  readonly heads: readonly KnownDistinguished[];
  /** The position right of which the run starts; undefined: it has every recent entry there is. */
  readonly after: number | undefined;
  /** The tree from which they were learned. */
  readonly view: TreeView;
}

/**
 * The recent ones among entries known before and learned now, without a gap between them: two users who know different
 * parts of one log must find them to overlap. A run that starts right of everything known is therefore left to a later
 * walk. Draft section "Detecting Forks".
 */
export function mergeDistinguished(
  { configuration, recent }: ClientSetting,
  before: readonly KnownDistinguished[],
  { heads, after, view }: LearnedRun,
): readonly KnownDistinguished[] {
  const newest = before.at(-1)?.position;
  if (after === undefined || newest === undefined) return heads.slice(-recent);
  if (after > newest) return before;
  const rightmost = (view.frontier.at(-1) as RetainedEntry).timestamp;
  return [...before, ...heads.filter(({ position }) => position > newest)]
    .filter(({ timestamp }) => !isExpired({ configuration }, timestamp, rightmost))
    .slice(-recent);
}
