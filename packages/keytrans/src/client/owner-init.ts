import { type LogView, OwnerHistory, ownerInit, ownerInitEntries, ownerInitVersions } from "../algorithms/index.js";
import { KeytransError } from "../errors.js";
import { type Configuration, OwnerInitRequest, type WireFormat } from "../structs/index.js";
import { checkCommitments, retainVersions, verifyLadder } from "./label-versions.js";
import { decodeResponse, encodeRequest, lastSize, onlyResponse, type Prepared, verifyResponse } from "./operation.js";
import { type ClientState, labelState, type TreeView, withLabel } from "./state.js";
import type { ClientSetting } from "./verified-tree.js";

const SECTION = "Owner Initialization";

export interface OwnerInitArguments {
  readonly label: Uint8Array;
  /** An unexpired distinguished entry; default the rightmost in the state's view. */
  readonly start?: number | undefined;
}

export interface OwnerInitResult {
  readonly start: number;
  /** Greatest version at `start`; undefined when the label did not exist. Later versions come with updates. */
  readonly greatestVersion: number | undefined;
}

/** Takes ownership of a label from a distinguished entry on. Draft section "Owner Initialization". */
export function prepareOwnerInit(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { label, start: wanted }: OwnerInitArguments,
): Prepared<OwnerInitResult> {
  const start = wanted ?? rightmostKnown(setting.configuration, state.view);
  const request = encodeRequest(OwnerInitRequest, { last: lastSize(state), label, start }, SECTION);
  return {
    request,
    async verify(bytes, now) {
      const response = decodeResponse(wire.OwnerInitResponse, onlyResponse(bytes, SECTION), SECTION);
      const { greatestVersions, binaryLadder } = response;
      const versions = ownerInitVersions(greatestVersions);
      const known = verifyLadder(setting.vrfKey, label, versions, binaryLadder, SECTION);
      const greatestVersion = greatestVersions[0];
      checkCommitments(binaryLadder, versions, (version) => version <= (greatestVersion ?? -1), SECTION);
      const algorithms = async (view: LogView): Promise<void> =>
        ownerInit(view, await ownerInitEntries(view, start), greatestVersions);
      const { view } = await verifyResponse(
        setting,
        state,
        response.fullTreeHead,
        response.init,
        known,
        now,
        algorithms,
      );
      const owner = new OwnerHistory(start, greatestVersion, []);
      const monitoring = labelState(state, label)?.monitoring ?? [];
      const versionsBefore = labelState(state, label)?.versions ?? new Map();
      const next = retainVersions({ label, monitoring, owner, versions: versionsBefore }, known);
      return { result: { start, greatestVersion }, state: withLabel({ ...state, view }, next) };
    },
  };
}

/** The rightmost distinguished entry of a view: it is on the frontier, whose timestamps are retained. */
function rightmostKnown(configuration: Configuration, view: TreeView | undefined): number {
  const window = Number(configuration.reasonableMonitoringWindow);
  const last = view?.frontier.at(-1);
  let leftTime = 0;
  let found: number | undefined;
  for (const { position, timestamp } of view?.frontier ?? []) {
    if ((last as { timestamp: number }).timestamp - leftTime < window) break;
    found = position;
    leftTime = timestamp;
  }
  if (found === undefined)
    throw new KeytransError("missing-state", "no distinguished entry is known yet", SECTION, "start");
  return found;
}
