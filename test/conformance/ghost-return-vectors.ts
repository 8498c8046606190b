import { type DeviceList, type DeviceRecord, deviceListHash, encodeDeviceList } from "@mls-as/mls-credentials";
import {
  ALICE,
  DAY,
  digest,
  exampleKey,
  LAPTOP,
  listOf,
  LOG_ID,
  PHONE,
  type RecordOf,
  recordOf,
  START as T,
} from "./example-devices.js";
import type { GhostTrace } from "./ghost.js";
import { hex, toWireJson } from "./wire-json.js";

const BOB = "mimi://example.org/u/bob";
const TABLET = "mimi://example.org/d/alice/tablet";
const [phone, tablet, laptop] = ["phone", "tablet", "laptop"].map(exampleKey) as [Key, Key, Key];
type Key = ReturnType<typeof exampleKey>;
type Event = GhostTrace["events"][number];

const device = (client: string, key: Key, at: number, change: Partial<RecordOf> = {}): DeviceRecord => ({
  client,
  addedAt: BigInt(at),
  credentials: [recordOf({ certificate: client, key, notBefore: at, notAfter: T + 400 * DAY, ...change })],
});
const after = (before: DeviceList, origin: DeviceList["origin"], ...devices: readonly DeviceRecord[]): DeviceList =>
  listOf(before.version + 1, origin, devices, deviceListHash(encodeDeviceList(before)));
const list = (at: number, value: DeviceList, more: Record<string, unknown> = {}): Event => ({
  type: "device-list",
  at,
  user: ALICE,
  version: value.version,
  value: toWireJson(value),
  proven_at: at,
  ...more,
});
const leaf = (leafIndex: number, client: string, key: Key): Record<string, unknown> => ({
  leaf_index: leafIndex,
  reference: ALICE,
  user: ALICE,
  client,
  spki_hash: hex(key.spkiHash),
  tbs_certificate_hash: hex(digest(`certificate ${client}`)),
  not_before: T,
  not_after: T + 400 * DAY,
});
const tree = (at: number, epoch: number, leaves: readonly Record<string, unknown>[], more: object = {}): Event => ({
  type: "tree",
  at,
  group: "aa",
  epoch,
  current: true,
  leaves,
  ...more,
});

/** Traces in which something that was over begins again. */
export function returnTraces(): GhostTrace[] {
  const mine = device(PHONE, phone, T);
  const v0 = listOf(0, "enrolment", [mine]);
  const came = T + 5 * DAY;
  const trace = (name: string, self: string, events: Event[], end: GhostTrace["end"]): GhostTrace => ({
    name,
    self,
    own_keys: self === ALICE ? [{ client: PHONE, spki_hash: hex(phone.spkiHash) }] : [],
    log_id: hex(LOG_ID),
    events,
    end,
  });
  const ghosted = after(v0, "recovery", mine, device(TABLET, tablet, came));
  const excused = (at = came + 3600): DeviceList =>
    after(ghosted, "expiry", mine, device(TABLET, tablet, came, { revokedAt: at, reason: 5 }));
  const unknown = (life: string) => ({ kind: "SELF_UNKNOWN_IN_LOG", life, client: TABLET });
  const haunted = [leaf(0, PHONE, phone), leaf(1, TABLET, tablet)];
  const unlogged = (life: string) => ({ kind: "UNLOGGED_LEAF", life, client: TABLET });
  const past = { greatest: false, proven_at: 0 };

  const toggling: Event[] = [];
  const both = listOf(0, "enrolment", [mine, device(TABLET, tablet, T)]);
  for (let hour = 0, epoch = 1; hour <= 14 * 24; hour += 12, epoch++) {
    const at = T + DAY + hour * 3600;
    const out = hour % (6 * 24) === 0 && hour > 0;
    toggling.push(tree(at, epoch, haunted.slice(0, 1)));
    toggling.push(tree(at, epoch, out ? haunted.slice(0, 1) : haunted, { group: "bb" }));
  }
  const lost = device(PHONE, phone, T, { revokedAt: T + 12 * DAY, reason: 1 });
  const second = (revokedAt?: number) =>
    device(LAPTOP, laptop, T + 12 * DAY, revokedAt === undefined ? {} : { revokedAt, reason: 1 });

  return [
    trace(
      "a ghost of thirty days is not excused by a list that says it failed to enrol",
      ALICE,
      [
        list(T + DAY, v0),
        list(came + 60, ghosted),
        { type: "tick", at: came + 2 * DAY, expect: [unknown("confirmed")] },
        list(came + 30 * DAY, excused(), { expect: [] }),
      ],
      [unknown("confirmed")],
    ),
    trace(
      "a ghost of thirty days, read at once with its excuse",
      ALICE,
      [
        list(T + DAY, v0),
        list(came + 30 * DAY, ghosted, past),
        list(came + 30 * DAY + 1, excused(), { expect: [] }),
        { type: "tick", at: came + 31 * DAY + 1, expect: [unknown("confirmed")] },
      ],
      [unknown("confirmed")],
    ),
    trace(
      "an enrolment that failed within hours, between two looks a day apart",
      ALICE,
      [
        list(came - 3600, v0),
        list(came + 60, ghosted, past),
        list(came + 4000, excused(), { expect: [unknown("resolved")] }),
        { type: "tick", at: came + 3 * DAY },
      ],
      [],
    ),
    trace(
      "a group that was left and joined anew from its first epoch",
      BOB,
      [
        list(T + DAY, v0),
        tree(T + DAY, 100, haunted.slice(0, 1)),
        { type: "left", at: T + 2 * DAY, group: "aa" },
        tree(T + 3 * DAY, 1, haunted, { current: false }),
        list(T + 5 * DAY, v0),
      ],
      [unlogged("confirmed")],
    ),
    trace(
      "a group whose epochs start again",
      BOB,
      [
        list(T + DAY, v0),
        tree(T + DAY, 100, haunted.slice(0, 1)),
        tree(T + 3 * DAY, 1, haunted),
        list(T + 5 * DAY, v0),
      ],
      [unlogged("confirmed")],
    ),
    trace(
      "a backlog of older epochs says nothing",
      BOB,
      [
        list(T + DAY, v0),
        tree(T + DAY, 100, haunted.slice(0, 1)),
        tree(T + 3 * DAY, 99, haunted, { current: false }),
        list(T + 5 * DAY, v0),
      ],
      [],
    ),
    trace(
      "a device in one group that steps out every sixth day",
      BOB,
      [list(T + DAY, both), ...toggling],
      [{ kind: "PARTIAL_PRESENCE", life: "confirmed", client: TABLET }],
    ),
    trace(
      "a clock that was wrong once",
      BOB,
      [
        list(T + DAY, v0),
        { type: "tick", at: T + 400 * DAY },
        tree(T + 2 * DAY, 1, haunted),
        list(T + 4 * DAY, v0, { expect: [unlogged("confirmed")] }),
      ],
      [unlogged("confirmed")],
    ),
    trace(
      "two recoveries between two looks",
      BOB,
      [
        list(T + DAY, v0),
        list(T + 40 * DAY, {
          ...after(v0, "recovery", second(T + 20 * DAY), lost, device(TABLET, tablet, T + 20 * DAY)),
          version: 2,
          previousHash: digest("version 1"),
        }),
      ],
      [],
    ),
    trace(
      "a device that came and went while another could have vouched for it",
      BOB,
      [
        list(T + DAY, v0),
        list(T + 40 * DAY, {
          ...after(
            v0,
            "recovery",
            second(T + 20 * DAY),
            device(PHONE, phone, T, { revokedAt: T + 13 * DAY, reason: 1 }),
          ),
          version: 2,
          previousHash: digest("version 1"),
        }),
      ],
      [{ kind: "TRANSIENT_DEVICE", life: "confirmed", client: LAPTOP }],
    ),
  ];
}
