import { encode } from "@mls-as/tls-codec";
import { fixedVersionSearch, greatestVersionSearch } from "../algorithms/index.js";
import { baseBinaryLadder } from "../binary-ladder.js";
import { type SearchResponse, SearchRequest, type WireFormat } from "../structs/index.js";
import { checkCommitments, retainVersions, verifyLadder } from "./label-versions.js";
import { monitored } from "./monitoring-map.js";
import {
  decodeResponse,
  encodeRequest,
  lastSize,
  onlyResponse,
  type Prepared,
  verifyResponse,
  verifyUpdateValue,
} from "./operation.js";
import { type ClientState, labelState, withLabel } from "./state.js";
import type { ClientSetting } from "./verified-tree.js";

const SECTION = "Search";

export interface SearchArguments {
  readonly label: Uint8Array;
  /** Absent: the greatest version. */
  readonly version?: number | undefined;
}

export interface SearchResult {
  readonly version: number;
  readonly value: Uint8Array;
  /** The terminal log entry. */
  readonly position: number;
  /** Whether the state now asks for contact monitoring of this label-version pair. */
  readonly monitor: boolean;
  readonly treeSize: number;
  /** Root of the log tree. */
  readonly root: Uint8Array;
  /** Of the rightmost log entry, milliseconds. */
  readonly timestamp: number;
}

/** Searches a label. Draft section "Search". */
export function prepareSearch(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { label, version: wanted }: SearchArguments,
): Prepared<SearchResult> {
  const request = encodeRequest(SearchRequest, { last: lastSize(state), label, version: wanted }, SECTION);
  return {
    request,
    async verify(bytes, now) {
      const codec = wanted === undefined ? wire.GreatestSearchResponse : wire.FixedSearchResponse;
      const response: SearchResponse = decodeResponse(codec, onlyResponse(bytes, SECTION), SECTION);
      const version = wanted ?? (response.version as number);
      await verifyUpdateValue(setting, label, version, response.value, "value.suffix");
      const versions = baseBinaryLadder(version);
      const known = verifyLadder(setting.vrfKey, label, versions, response.binaryLadder, SECTION);
      const mayExist = wanted === undefined ? false : undefined;
      checkCommitments(
        response.binaryLadder,
        versions,
        (step) => (step < version ? true : step === version ? false : mayExist),
        SECTION,
      );
      const update = encode(wire.UpdateValue, response.value);
      const commitment = setting.suite.commitment(response.opening, label, version, update);
      known.set(version, { vrfOutput: (known.get(version) as { vrfOutput: Uint8Array }).vrfOutput, commitment });

      const { outcome, view } = await verifyResponse(
        setting,
        state,
        response.fullTreeHead,
        response.search,
        known,
        now,
        (log) => (wanted === undefined ? greatestVersionSearch(log, version) : fixedVersionSearch(log, version)),
      );
      const monitor = outcome.undistinguished && setting.configuration.mode === "contactMonitoring";
      let next: ClientState = { ...state, view };
      if (monitor) {
        const before = labelState(state, label) ?? { label, monitoring: [], owner: undefined, versions: new Map() };
        const monitoring = monitored(before.monitoring, { position: outcome.position, version });
        next = withLabel(next, retainVersions({ ...before, monitoring }, known));
      }
      const result: SearchResult = {
        version,
        value: response.value.value,
        position: outcome.position,
        monitor,
        treeSize: view.treeHead.treeSize,
        root: view.root,
        timestamp: (view.frontier.at(-1) as { timestamp: number }).timestamp,
      };
      return { result, state: next };
    },
  };
}
