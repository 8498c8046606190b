import { contactMonitor, greatestByPosition, ownerMonitor } from "../algorithms/index.js";
import { KeytransError } from "../errors.js";
import { ContactMonitorRequest, OwnerMonitorRequest, type MonitorMapEntry, type WireFormat } from "../structs/index.js";
import { mergeDistinguished } from "./distinguished.js";
import { retainVersions } from "./label-versions.js";
import { decodeResponse, encodeRequest, lastSize, onlyResponse, type Prepared, verifyResponse } from "./operation.js";
import { type ClientState, labelState, withLabel } from "./state.js";
import { type ClientSetting, knownDistinguished } from "./verified-tree.js";

export interface MonitorArguments {
  readonly label: Uint8Array;
}

export interface ContactMonitorResult {
  /** What remains to be monitored. Empty: done with this label. */
  readonly entries: readonly MonitorMapEntry[];
}

export interface OwnerMonitorResult extends ContactMonitorResult {
  /** Distinguished entries verified by this response, left to right. */
  readonly verified: readonly number[];
  /** The rightmost distinguished entry the owner has verified. */
  readonly start: number;
  /**
   * Whether that is the log's rightmost distinguished entry. If not, learn of newer versions (an update without values)
   * and monitor again; a log that never lets it become true hides something.
   */
  readonly complete: boolean;
}

/** Labels that have something to monitor. */
export function labelsToMonitor(
  state: ClientState,
): { readonly label: Uint8Array; readonly entries: readonly MonitorMapEntry[] }[] {
  return state.labels
    .filter(({ monitoring }) => monitoring.length > 0)
    .map(({ label, monitoring }) => ({ label, entries: monitoring }));
}

/** Monitors a label looked up before. Draft section "Contact Monitor". */
export function prepareContactMonitor(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { label }: MonitorArguments,
): Prepared<ContactMonitorResult> {
  const section = "Contact Monitor";
  const known = labelState(state, label);
  if (known === undefined || known.monitoring.length === 0)
    throw new KeytransError("missing-state", "nothing of this label is monitored", section, "label");
  const fields = { last: lastSize(state), label, entries: known.monitoring };
  return {
    request: encodeRequest(ContactMonitorRequest, fields, section),
    async verify(bytes, now) {
      const response = decodeResponse(wire.MonitorResponse, onlyResponse(bytes, section), section);
      const { outcome, view } = await verifyResponse(
        setting,
        state,
        response.fullTreeHead,
        response.monitor,
        known.versions,
        now,
        (log) => contactMonitor(log, known.monitoring, undefined),
      );
      const next = retainVersions({ ...known, monitoring: outcome.map }, new Map());
      return { result: { entries: outcome.map }, state: withLabel({ ...state, view }, next) };
    },
  };
}

/** Monitors a label this user owns. Draft section "Owner Monitoring". */
export function prepareOwnerMonitor(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { label }: MonitorArguments,
): Prepared<OwnerMonitorResult> {
  const section = "Owner Monitoring";
  const known = labelState(state, label);
  const owner = known?.owner;
  if (known === undefined || owner === undefined)
    throw new KeytransError("missing-state", "the label is not owned: initialise ownership first", section, "label");
  const { start, greatest } = owner;
  const fields = { last: lastSize(state), label, entries: known.monitoring, start, greatestVersion: greatest };
  return {
    request: encodeRequest(OwnerMonitorRequest, fields, section),
    async verify(bytes, now) {
      const response = decodeResponse(wire.MonitorResponse, onlyResponse(bytes, section), section);
      const { outcome, view, proven } = await verifyResponse(
        setting,
        state,
        response.fullTreeHead,
        response.monitor,
        known.versions,
        now,
        async (log) => {
          const contact = await contactMonitor(log, known.monitoring, start);
          return { contact, owned: await ownerMonitor(log, start, (position) => owner.greatestAt(position)) };
        },
      );
      const { contact, owned } = outcome;
      const verified = new Set(owned.verified);
      const kept = contact.deferred.filter(({ distinguished }) => !verified.has(distinguished));
      const monitoring = greatestByPosition([...contact.map, ...kept]);
      const advanced = owner.advanced(owned.verified.at(-1) ?? start);
      const next = retainVersions({ ...known, monitoring, owner: advanced }, new Map());
      const heads = knownDistinguished(proven, owned.verified);
      const distinguished = mergeDistinguished(setting, state.distinguished, { heads, after: start, view });
      const result: OwnerMonitorResult = {
        entries: monitoring,
        verified: owned.verified,
        start: advanced.start,
        complete: owned.complete,
      };
      return { result, state: withLabel({ ...state, view, distinguished }, next) };
    },
  };
}
