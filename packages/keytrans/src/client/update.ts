import { encode } from "@mls-as/tls-codec";
import { type OwnerHistory, updateLabel, updateVersions } from "../algorithms/index.js";
import { MAX_VERSION } from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
import { UpdateRequest, type UpdateResponse, type WireFormat, ZERO_HASH } from "../structs/index.js";
import { checkCommitments, retainVersions, verifyLadder } from "./label-versions.js";
import { monitored } from "./monitoring-map.js";
import {
  decodeResponse,
  encodeRequest,
  lastSize,
  type Prepared,
  type Verified,
  verifyResponse,
  verifyUpdateValue,
} from "./operation.js";
import type { SearchedKey } from "../prefix-tree/evaluate.js";
import { type ClientState, type LabelState, labelState, withLabel } from "./state.js";
import type { ClientSetting } from "./verified-tree.js";

const SECTION = "Updating a Label";

export interface UpdateArguments {
  readonly label: Uint8Array;
  /** Values of the versions to create; empty to be informed of versions that already exist. */
  readonly values: readonly Uint8Array[];
}

export interface UpdateResult {
  /** The log entry that holds the new versions (the last one, where several responses came). */
  readonly position: number;
  /** All versions learned, ascending; skipped ones are left out. */
  readonly versions: readonly { readonly version: number; readonly value: Uint8Array }[];
  /** True: our values were created. False: the log already had later versions, these are their values, ours were ignored. */
  readonly created: boolean;
  /**
   * Whether the response itself proves the new versions' values. Where `position` is distinguished the draft leaves the
   * lookups to owner monitoring: until that succeeds, values, openings and the position itself are only the log's word.
   */
  readonly proven: boolean;
  /** Version counters skipped (third-party management). */
  readonly skipped: number;
  readonly treeSize: number;
  readonly root: Uint8Array;
}

/** Creates versions of an owned label, or learns of existing ones. Draft section "Updating a Label". */
export function prepareUpdate(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { label, values }: UpdateArguments,
): Prepared<UpdateResult> {
  const { owner } = ownedLabel(state, label);
  const wanted = values.map((value) => ({ value }));
  const fields = { last: lastSize(state), label, greatestVersion: owner.greatest, values: wanted };
  const request = encodeRequest(UpdateRequest, fields, SECTION);
  return {
    request,
    async verify(bytes, now) {
      const responses = bytes instanceof Uint8Array ? [bytes] : bytes;
      if (responses.length === 0) throw new KeytransError("unexpected-count", "no response", SECTION);
      let verified: Verified<UpdateResult> | undefined;
      for (const response of responses) {
        const before = verified?.state ?? state;
        const pending = verified?.result.created ? [] : values;
        const decoded = decodeResponse(wire.UpdateResponse, response, SECTION);
        const next = await verifyOne(setting, wire, before, label, pending, decoded, now);
        verified = { state: next.state, result: joined(verified?.result, next.result) };
      }
      return verified as Verified<UpdateResult>;
    },
  };
}

function joined(before: UpdateResult | undefined, next: UpdateResult): UpdateResult {
  if (before === undefined) return next;
  return {
    ...next,
    versions: [...before.versions, ...next.versions],
    created: before.created || next.created,
    proven: before.proven && next.proven,
    skipped: before.skipped + next.skipped,
  };
}

function ownedLabel(state: ClientState, label: Uint8Array): LabelState & { readonly owner: OwnerHistory } {
  const known = labelState(state, label);
  if (known?.owner === undefined)
    throw new KeytransError("missing-state", "the label is not owned: initialise ownership first", SECTION, "label");
  return { ...known, owner: known.owner };
}

async function verifyOne(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  label: Uint8Array,
  pending: readonly Uint8Array[],
  response: UpdateResponse,
  now: number,
): Promise<Verified<UpdateResult>> {
  const known = ownedLabel(state, label);
  const { owner } = known;
  const { position, info, binaryLadder } = response;
  const created = response.values.length === 0;
  const values = created ? pending : response.values.map(({ value }) => value);
  if (info.length === 0 || info.length !== values.length)
    throw new KeytransError("unexpected-count", `${info.length} openings for ${values.length} values`, SECTION, "info");
  if (position <= owner.lastPosition)
    throw new KeytransError("invalid-position", "new versions must lie right of the last ones", SECTION, "position");
  const skipped = response.skippedVersions ?? 0;
  const first = (owner.greatest ?? -1) + 1;
  const last = first + skipped + info.length - 1;
  // Every new version takes a ladder step unless the previous ladder held it: this bounds what a count can ask for.
  if (last > MAX_VERSION || last - first > binaryLadder.length + 64)
    throw new KeytransError("unexpected-count", "more versions than ladder steps", SECTION, "skippedVersions");

  const steps = updateVersions(owner.greatest, last);
  const learned = verifyLadder(setting.vrfKey, label, steps, binaryLadder, SECTION);
  // A version below the advertised greatest is always in that version's own ladder, so no commitment is ever due.
  checkCommitments(binaryLadder, steps, () => false, SECTION);
  const versions = new Map<number, SearchedKey>([...known.versions, ...learned]);
  const commit = (version: number, commitment: Uint8Array): void => {
    const { vrfOutput } = versions.get(version) as SearchedKey;
    learned.set(version, { vrfOutput, commitment });
    versions.set(version, { vrfOutput, commitment });
  };
  for (let version = first; version < first + skipped; version++) commit(version, ZERO_HASH);
  for (const [i, { opening, suffix }] of info.entries()) {
    const version = first + skipped + i;
    const update = { value: values[i] as Uint8Array, suffix };
    await verifyUpdateValue(setting, label, version, update, `info[${i}].suffix`);
    commit(version, setting.suite.commitment(opening, label, version, encode(wire.UpdateValue, update)));
  }

  const { outcome, view } = await verifyResponse(
    setting,
    state,
    response.fullTreeHead,
    response.update,
    versions,
    now,
    (log) => {
      if (position >= log.size)
        throw new KeytransError("invalid-position", "the position lies beyond the log", SECTION, "position");
      return updateLabel(log, previousVersions(owner), position, last);
    },
  );
  const monitoring = outcome.distinguished
    ? known.monitoring
    : monitored(known.monitoring, { position, version: last });
  const next = retainVersions({ ...known, monitoring, owner: owner.increased(position, last) }, learned);
  const result: UpdateResult = {
    position,
    versions: values.map((value, i) => ({ version: first + skipped + i, value })),
    created,
    proven: !outcome.distinguished,
    skipped,
    treeSize: view.treeHead.treeSize,
    root: view.root,
  };
  return { result, state: withLabel({ ...state, view }, next) };
}

const previousVersions = (owner: OwnerHistory) => ({
  greatest: owner.greatest,
  lastPosition: owner.lastPosition,
  greatestAt: (position: number) => owner.greatestAt(position),
});
