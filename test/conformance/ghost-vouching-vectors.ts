import { type CredentialRecord, type DeviceList, type DeviceRecord } from "@mls-as/mls-credentials";
import {
  approvalOf,
  continuityOf,
  DAY,
  digest,
  type ExampleKey,
  exampleKey,
  listOf,
  LOG_ID,
  recordOf,
  START as T,
} from "./example-devices.js";
import type { GhostTrace } from "./ghost.js";
import { hex, toWireJson } from "./wire-json.js";

const ALICE = "mimi://example.org/u/alice";
const BOB = "mimi://example.org/u/bob";
const clientOf = (name: string): string => `mimi://example.org/d/alice/${name}`;

interface Vouched {
  readonly device: string;
  readonly key: ExampleKey;
  readonly at: number;
  readonly revokedAt?: number;
  readonly reason?: number;
  readonly approvedBy?: { readonly device: string; readonly key: ExampleKey };
  readonly continues?: ExampleKey;
}

async function record({
  device,
  key,
  at,
  revokedAt,
  reason,
  approvedBy,
  continues,
}: Vouched): Promise<CredentialRecord> {
  const approval =
    approvedBy === undefined
      ? undefined
      : await approvalOf({
          client: clientOf(device),
          key,
          approver: clientOf(approvedBy.device),
          approverKey: approvedBy.key,
          afterVersion: 0,
          expiresAt: at + DAY,
        });
  const continuity = continues === undefined ? undefined : await continuityOf(clientOf(device), continues, key);
  return recordOf({
    certificate: `${device} ${at}`,
    key,
    notBefore: at,
    ...(revokedAt === undefined ? {} : { revokedAt, reason: reason ?? 1 }),
    ...(approval === undefined ? {} : { approval }),
    ...(continuity === undefined ? {} : { continuity }),
  });
}

/** The devices of some records, in wire order. */
async function devicesOf(given: readonly Vouched[]): Promise<DeviceRecord[]> {
  const names = [...new Set(given.map(({ device }) => device))].sort();
  return await Promise.all(
    names.map(async (name) => {
      const own = given.filter(({ device }) => device === name);
      const credentials = await Promise.all(own.map(record));
      return { client: clientOf(name), addedAt: BigInt(Math.min(...own.map(({ at }) => at))), credentials };
    }),
  );
}

type Four = [ExampleKey, ExampleKey, ExampleKey, ExampleKey];

/** What a contact who looks seldom is shown: version 1, then version 9. */
export async function vouchingTraces(): Promise<GhostTrace[]> {
  const [phone, phone2, tablet, tablet2] = ["phone", "phone, next", "tablet", "tablet, next"].map(exampleKey) as Four;
  const [watch, stranger, stranger2] = ["watch", "stranger", "stranger, next"].map(exampleKey) as Four;
  const first: Vouched = { device: "phone", key: phone, at: T };
  const event = (at: number, value: DeviceList): GhostTrace["events"][number] => ({
    type: "device-list",
    at,
    user: ALICE,
    version: value.version,
    value: toWireJson(value),
    proven_at: at,
  });
  const trace = async (
    name: string,
    later: readonly Vouched[],
    found: readonly string[],
    start: readonly Vouched[] = [first],
  ): Promise<GhostTrace> => ({
    name,
    self: BOB,
    own_keys: [],
    log_id: hex(LOG_ID),
    events: [
      event(T + DAY, listOf(1, "enrolment", await devicesOf(start), digest("version 0"))),
      event(T + 60 * DAY, listOf(9, "renewal", await devicesOf(later), digest("version 8"))),
    ],
    end: found.map((device) => ({ kind: "TRANSIENT_DEVICE", life: "confirmed", client: clientOf(device) })),
  });
  const gone = { revokedAt: T + 40 * DAY };
  const approvedByPhone = { approvedBy: { device: "phone", key: phone } };
  return [
    await trace(
      "a device that came, renewed its key and went between two looks",
      [
        first,
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, ...approvedByPhone },
        { device: "tablet", key: tablet2, at: T + 20 * DAY, ...gone, continues: tablet },
      ],
      [],
    ),
    await trace(
      "a device that came and went between two looks, approved by one that came and went",
      [
        first,
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, ...approvedByPhone },
        { device: "watch", key: watch, at: T + 20 * DAY, ...gone, approvedBy: { device: "tablet", key: tablet } },
      ],
      [],
    ),
    await trace(
      "a device that came and went between two looks, approved by a key that was renewed in between",
      [
        first,
        { device: "phone", key: phone2, at: T + 10 * DAY, continues: phone },
        { device: "tablet", key: tablet, at: T + 20 * DAY, ...gone, approvedBy: { device: "phone", key: phone2 } },
      ],
      [],
    ),
    await trace(
      "an approval and a revocation of the approver between two looks",
      [
        { ...first, revokedAt: T + 30 * DAY },
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, ...approvedByPhone },
        { device: "watch", key: watch, at: T + 5 * DAY, ...approvedByPhone },
      ],
      [],
    ),
    await trace(
      "strangers that vouch for one another between two looks",
      [
        first,
        { device: "stranger", key: stranger, at: T + 10 * DAY, ...gone },
        { device: "tablet", key: tablet, at: T + 20 * DAY, ...gone, approvedBy: { device: "stranger", key: stranger } },
      ],
      ["stranger", "tablet"],
    ),
    await trace(
      "two strangers in a circle between two looks",
      [
        first,
        { device: "stranger", key: stranger, at: T + 10 * DAY, ...gone, approvedBy: { device: "tablet", key: tablet } },
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, approvedBy: { device: "stranger", key: stranger } },
      ],
      ["stranger", "tablet"],
    ),
    await trace(
      "an approval by a key that was revoked before the device came",
      [
        { ...first, revokedAt: T + 5 * DAY },
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, ...approvedByPhone },
      ],
      ["tablet"],
    ),
    await trace(
      "an approval by a device that was revoked before, and came between the same two looks",
      [
        first,
        { device: "tablet", key: tablet, at: T + 10 * DAY, revokedAt: T + 15 * DAY, ...approvedByPhone },
        { device: "watch", key: watch, at: T + 20 * DAY, ...gone, approvedBy: { device: "tablet", key: tablet } },
      ],
      ["watch"],
    ),
    await trace(
      "a continuity of another client's key between two looks",
      [
        first,
        { device: "tablet", key: tablet, at: T + 10 * DAY, ...gone, continues: phone },
        { device: "stranger", key: stranger2, at: T + 10 * DAY, ...gone, continues: stranger },
      ],
      ["tablet", "stranger"],
    ),
  ];
}
