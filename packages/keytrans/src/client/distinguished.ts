import { encode } from "@mls-as/tls-codec";
import { walkDistinguished } from "../algorithms/index.js";
import { DistinguishedHead, DistinguishedRequest, type WireFormat } from "../structs/index.js";
import { decodeResponse, encodeRequest, lastSize, onlyResponse, type Prepared, verifyResponse } from "./operation.js";
import type { ClientState, KnownDistinguished } from "./state.js";
import { type ClientSetting, knownDistinguished } from "./verified-tree.js";

const SECTION = "Walking Distinguished Heads";

export interface DistinguishedResult {
  /** The recent distinguished entries right of `stop`, left to right; `root` is the log's when the entry was the rightmost. */
  readonly heads: readonly KnownDistinguished[];
  /** All recent roots known now, as an encoded `DistinguishedHead` to compare with other users. */
  readonly distinguishedHead: Uint8Array;
}

/** Learns the recent distinguished entries. Draft section "Walking Distinguished Heads". */
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
      const heads = knownDistinguished(proven, outcome, state.view);
      const distinguished = mergeDistinguished(setting, state.distinguished, heads);
      const distinguishedHead = encode(DistinguishedHead, { heads: distinguished.map(({ root }) => root) });
      return { result: { heads, distinguishedHead }, state: { ...state, view, distinguished } };
    },
  };
}

/** The recent ones among entries known before and learned now. */
export function mergeDistinguished(
  setting: ClientSetting,
  before: readonly KnownDistinguished[],
  learned: readonly KnownDistinguished[],
): KnownDistinguished[] {
  const positions = new Set(learned.map(({ position }) => position));
  return [...before.filter(({ position }) => !positions.has(position)), ...learned]
    .sort((a, b) => a.position - b.position)
    .slice(-setting.recent);
}
