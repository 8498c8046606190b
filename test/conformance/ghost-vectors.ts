import { type CredentialRecord, type DeviceList, deviceListHash, encodeDeviceList } from "@mls-as/mls-credentials";
import { exampleHistory } from "./device-list-vectors.js";
import {
  ALICE,
  approvalOf,
  DAY,
  digest,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  LOG_ID,
  listOf,
  PHONE,
  recordOf,
  START as T,
} from "./example-devices.js";
import type { GhostTrace } from "./ghost.js";
import { returnTraces } from "./ghost-return-vectors.js";
import { vouchingTraces } from "./ghost-vouching-vectors.js";
import { hex, toWireJson } from "./wire-json.js";

const BOB = "mimi://example.org/u/bob";
const BOB_PHONE = "mimi://example.org/d/bob/phone";
const TABLET = "mimi://example.org/d/alice/tablet";
const keys = {
  phone: exampleKey("phone"),
  laptop: exampleKey("laptop"),
  next: exampleKey("phone, next"),
  tablet: exampleKey("tablet"),
  reinstalled: exampleKey("laptop, reinstalled"),
  bob: exampleKey("bob"),
};

type Event = GhostTrace["events"][number];
type Leaf = Record<string, unknown>;

const credential = (client: string, certificate: string, key: ExampleKey, notBefore: number, user = ALICE): Leaf => ({
  reference: user,
  user,
  client,
  spki_hash: hex(key.spkiHash),
  tbs_certificate_hash: hex(digest(`certificate ${certificate}`)),
  not_before: notBefore,
  not_after: notBefore + 90 * DAY,
});

const credentials = {
  phone: credential(PHONE, "phone 1", keys.phone, T),
  laptop: credential(LAPTOP, "laptop 1", keys.laptop, T + DAY),
  "phone, renewed": credential(PHONE, "phone 2", keys.next, T + 30 * DAY),
  "laptop, reinstalled": credential(LAPTOP, "laptop 2", keys.reinstalled, T + 30 * DAY),
  ghost: credential(TABLET, "tablet 1", keys.tablet, T + DAY),
  bob: credential(BOB_PHONE, "bob 1", keys.bob, T, BOB),
};

const NEVER = { not_after: T + 400 * DAY };

const leaf = (leafIndex: number, name: keyof typeof credentials, changes: Leaf = {}): Leaf => ({
  leaf_index: leafIndex,
  credential: name,
  ...changes,
});
const tree = (at: number, epoch: number, leaves: readonly Leaf[], more: Record<string, unknown> = {}): Event => ({
  type: "tree",
  at,
  group: "aa",
  epoch,
  current: true,
  leaves,
  ...more,
});
const list = (at: number, value: DeviceList, more: Record<string, unknown> = {}): Event => ({
  type: "device-list",
  at,
  user: value.identity,
  version: value.version,
  value: toWireJson(value),
  proven_at: at,
  ...more,
});
const tick = (at: number, more: Record<string, unknown> = {}): Event => ({ type: "tick", at, ...more });
const next = (before: DeviceList, origin: DeviceList["origin"], devices: DeviceList["devices"]): DeviceList =>
  listOf(before.version + 1, origin, devices, deviceListHash(encodeDeviceList(before)), before.identity);

/** Traces by file, made anew; the same in every run. */
export async function ghostVectors(): Promise<Readonly<Record<string, { description: string; traces: GhostTrace[] }>>> {
  const [v0, v1, v2, v3, v4] = (await exampleHistory()) as [DeviceList, DeviceList, DeviceList, DeviceList, DeviceList];
  const phoneDevice = v0.devices[0] as DeviceList["devices"][number];
  const laptopDevice = v1.devices[0] as DeviceList["devices"][number];
  const bobRecord = recordOf({ certificate: "bob 1", key: keys.bob, notBefore: T });
  const bob0 = listOf(
    0,
    "enrolment",
    [{ client: BOB_PHONE, addedAt: BigInt(T), credentials: [bobRecord] }],
    undefined,
    BOB,
  );
  const tablet = (record: Partial<Parameters<typeof recordOf>[0]> = {}, at = T + 2 * DAY) => ({
    client: TABLET,
    addedAt: BigInt(at),
    credentials: [recordOf({ certificate: "tablet 1", key: keys.tablet, notBefore: at, ...record })],
  });
  const approval = await approvalOf({
    client: TABLET,
    key: keys.tablet,
    approver: PHONE,
    approverKey: keys.phone,
    afterVersion: 1,
    expiresAt: T + 4 * DAY,
  });
  const reinstall = await approvalOf({
    client: LAPTOP,
    key: keys.reinstalled,
    approver: PHONE,
    approverKey: keys.phone,
    afterVersion: 1,
    expiresAt: T + 40 * DAY,
  });
  const [oldLaptop] = laptopDevice.credentials as [CredentialRecord];
  const reinstalled = next(v1, "deviceApproval", [
    {
      ...laptopDevice,
      credentials: [
        { ...oldLaptop, status: "revoked", revokedAt: BigInt(T + 30 * DAY), reason: 1 },
        recordOf({ certificate: "laptop 2", key: keys.reinstalled, notBefore: T + 30 * DAY, approval: reinstall }),
      ],
    },
    phoneDevice,
  ]);
  const ghosted = next(v1, "deviceApproval", [laptopDevice, phoneDevice, tablet()]);
  const approved = next(v1, "deviceApproval", [laptopDevice, phoneDevice, tablet({ approval })]);

  const bobs = (name: string, events: Event[], end: GhostTrace["end"], more: Partial<GhostTrace> = {}): GhostTrace => ({
    name,
    self: BOB,
    own_keys: [{ client: BOB_PHONE, spki_hash: hex(keys.bob.spkiHash) }],
    log_id: hex(LOG_ID),
    credentials,
    events,
    end,
    ...more,
  });
  const alices = (
    name: string,
    events: Event[],
    end: GhostTrace["end"],
    more: Partial<GhostTrace> = {},
  ): GhostTrace => ({
    ...bobs(name, events, end),
    self: ALICE,
    own_keys: [{ client: PHONE, spki_hash: hex(keys.phone.spkiHash) }],
    ...more,
  });

  const both = [leaf(0, "bob"), leaf(1, "phone")];
  const all = [...both, leaf(2, "laptop")];
  const haunted = [...both, leaf(2, "ghost")];
  const bobsList = list(T + 60, bob0);
  const at = T + 2 * DAY;

  const leaves: GhostTrace[] = [
    bobs(
      "an unlogged leaf grows from pending to confirmed",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, haunted, { expect: [{ kind: "UNLOGGED_LEAF", life: "pending", client: TABLET }] }),
        list(at + 400, v1, { expect: [{ kind: "UNLOGGED_LEAF", life: "suspect", client: TABLET }] }),
        list(at + DAY + 1, v1, { expect: [{ kind: "UNLOGGED_LEAF", life: "confirmed", client: TABLET }] }),
      ],
      [{ kind: "UNLOGGED_LEAF", life: "confirmed", user: ALICE, client: TABLET, group: "aa" }],
    ),
    bobs(
      "an unlogged leaf that leaves again is confirmed all the same",
      [bobsList, list(T + DAY, v1), tree(at, 1, haunted), tree(at + 60, 2, both), list(at + DAY + 1, v1)],
      [{ kind: "UNLOGGED_LEAF", life: "confirmed", client: TABLET }],
    ),
    bobs(
      "merge delay: the list catches up",
      [bobsList, list(T, v0), tree(T + DAY, 1, all), list(T + DAY + 900, v1)],
      [],
    ),
    bobs(
      "clock skew: a list proven just before the sighting says nothing yet",
      [
        bobsList,
        list(T, v0),
        tree(T + DAY + 200, 1, all),
        list(T + DAY + 210, v0, { proven_at: T + DAY - 60 }),
        list(T + DAY + 300, v1),
      ],
      [],
    ),
    bobs(
      "a leaf whose key is not its certificate's",
      [bobsList, list(T + DAY, v1), tree(at, 1, [...both, leaf(2, "laptop", { key_matches: false })])],
      [{ kind: "KEY_MISMATCH", life: "confirmed", client: LAPTOP }],
    ),
    bobs(
      "a known client with a key the log does not hold",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, [
          leaf(0, "bob"),
          leaf(1, "phone", { spki_hash: hex(keys.tablet.spkiHash), tbs_certificate_hash: hex(digest("swap")) }),
        ]),
        list(at + DAY + 1, v1),
      ],
      [{ kind: "KEY_MISMATCH", life: "confirmed", client: PHONE }],
    ),
    bobs(
      "overlapping keys of one device in two groups",
      [
        bobsList,
        list(T + 30 * DAY, v2),
        tree(T + 31 * DAY, 5, all),
        tree(T + 31 * DAY, 3, [leaf(0, "bob"), leaf(1, "phone, renewed"), leaf(2, "laptop")], { group: "bb" }),
        list(T + 33 * DAY, v2),
      ],
      [],
    ),
    bobs(
      "a member under another name than the roster's",
      [bobsList, list(T + DAY, v1), tree(at, 1, [leaf(0, "bob"), leaf(1, "phone", { user: BOB, client: BOB_PHONE })])],
      [
        { kind: "IDENTITY_CONFLICT", life: "confirmed", user: ALICE },
        { kind: "KEY_MISMATCH", life: "confirmed", user: ALICE },
        { kind: "SIGNATURE_KEY_REUSED", life: "confirmed" },
        { kind: "DUPLICATE_CLIENT", life: "pending" },
      ],
    ),
    bobs(
      "one key at two leaves",
      [bobsList, list(T + DAY, v1), tree(at, 1, [...both, leaf(2, "phone")])],
      [
        { kind: "SIGNATURE_KEY_REUSED", life: "confirmed" },
        { kind: "DUPLICATE_CLIENT", life: "pending", client: PHONE },
      ],
    ),
    bobs(
      "one key for two clients in two groups",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, all),
        tree(at, 1, [leaf(0, "bob"), leaf(1, "ghost", { spki_hash: hex(keys.laptop.spkiHash) })], { group: "bb" }),
      ],
      [
        { kind: "SIGNATURE_KEY_REUSED", life: "confirmed", client: TABLET },
        { kind: "UNLOGGED_LEAF", life: "pending", client: TABLET },
        { kind: "PARTIAL_PRESENCE", life: "pending", client: PHONE },
        { kind: "PARTIAL_PRESENCE", life: "pending", client: LAPTOP },
        { kind: "PARTIAL_PRESENCE", life: "pending", client: TABLET },
      ],
    ),
    bobs(
      "an unlogged KeyPackage",
      [
        bobsList,
        list(T + DAY, v1),
        { type: "key-package", at, credential: { credential: "ghost" } },
        list(at + DAY + 1, v1, { expect: [{ kind: "UNLOGGED_KEY_PACKAGE", life: "confirmed" }] }),
      ],
      [{ kind: "UNLOGGED_KEY_PACKAGE", life: "confirmed", client: TABLET }],
    ),
    bobs(
      "a KeyPackage of a logged device",
      [
        bobsList,
        { type: "key-package", at, credential: { credential: "laptop" } },
        list(at + 10, v1),
        list(at + 2 * DAY, v1),
      ],
      [],
    ),
  ];

  const members: GhostTrace[] = [
    bobs(
      "a revoked device that stays",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, all),
        list(T + 40 * DAY, v3, { expect: [{ kind: "REMOVED_DEVICE_PRESENT", life: "pending", client: LAPTOP }] }),
        tree(T + 48 * DAY, 2, all, { expect: [{ kind: "REMOVED_DEVICE_PRESENT", life: "confirmed", client: LAPTOP }] }),
      ],
      [{ kind: "REMOVED_DEVICE_PRESENT", life: "confirmed", client: LAPTOP }],
    ),
    bobs(
      "an offline remover: the revoked device goes within the window",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, all),
        list(T + 40 * DAY, v3),
        tree(T + 46 * DAY, 2, both),
        tick(T + 60 * DAY),
      ],
      [],
    ),
    bobs(
      "an observer who was offline: old epochs prove nothing",
      [
        bobsList,
        tree(at, 1, all),
        list(T + 60 * DAY, v3),
        tree(T + 60 * DAY, 2, all, { current: false }),
        tree(T + 60 * DAY + 5, 3, both),
      ],
      [],
    ),
    bobs(
      "a device in only one of two groups",
      [
        bobsList,
        list(at, approved),
        tree(at, 1, [...all, leaf(3, "ghost", { not_before: T + 2 * DAY })], {}),
        tree(at, 1, all, { group: "bb" }),
        tree(at + 8 * DAY, 2, [...all, leaf(3, "ghost")]),
        tree(at + 8 * DAY, 2, all, { group: "bb" }),
      ],
      [{ kind: "PARTIAL_PRESENCE", life: "confirmed", client: TABLET }],
    ),
    bobs(
      "a new device still joining groups",
      [
        bobsList,
        list(at, approved),
        tree(at, 1, [...all, leaf(3, "ghost")]),
        tree(at, 1, all, { group: "bb" }),
        tree(at + 6 * DAY, 2, [...all, leaf(3, "ghost")], { group: "bb" }),
        tick(at + 20 * DAY),
      ],
      [],
    ),
    bobs(
      "one client at two leaves for too long",
      [
        bobsList,
        list(T + 30 * DAY, v2),
        tree(T + 31 * DAY, 1, [...both, leaf(2, "phone, renewed")]),
        tree(T + 39 * DAY, 2, [...both, leaf(2, "phone, renewed")]),
      ],
      [{ kind: "DUPLICATE_CLIENT", life: "confirmed", client: PHONE }],
    ),
    bobs(
      "a reinstall: the old leaf goes within the window",
      [
        bobsList,
        list(T + 30 * DAY, v2),
        tree(T + 31 * DAY, 1, [...both, leaf(2, "phone, renewed")]),
        tree(T + 33 * DAY, 2, [leaf(0, "bob"), leaf(2, "phone, renewed")]),
        tick(T + 50 * DAY),
      ],
      [],
    ),
    bobs(
      "a reinstall in one group after the other is no partial presence",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, all),
        tree(at, 1, all, { group: "bb" }),
        list(T + 30 * DAY, reinstalled),
        tree(T + 31 * DAY, 2, [...all, leaf(3, "laptop, reinstalled")]),
        tree(T + 31 * DAY, 2, all, { group: "bb" }),
        tree(T + 32 * DAY, 3, [...both, leaf(3, "laptop, reinstalled")]),
        tree(T + 36 * DAY, 3, [...both, leaf(3, "laptop, reinstalled")], { group: "bb" }),
        tree(T + 40 * DAY, 4, [...both, leaf(3, "laptop, reinstalled")]),
      ],
      [],
    ),
    bobs(
      "a leaf that is updated without a new credential is not stale",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, [leaf(0, "bob", NEVER), leaf(1, "phone", { ...NEVER, encryption_key: "01" })]),
        tree(T + 60 * DAY, 2, [
          leaf(0, "bob", { ...NEVER, encryption_key: "02", source: "update" }),
          leaf(1, "phone", { ...NEVER, encryption_key: "03", source: "update" }),
        ]),
        tree(T + 100 * DAY, 3, [
          leaf(0, "bob", { ...NEVER, encryption_key: "02", source: "update" }),
          leaf(1, "phone", { ...NEVER, encryption_key: "03", source: "update" }),
        ]),
      ],
      [],
    ),
    bobs(
      "another client in a member's place",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, both),
        tree(at + 60, 2, [leaf(0, "bob"), leaf(1, "laptop", { source: "commit" })]),
      ],
      [{ kind: "INVALID_SUCCESSOR", life: "confirmed", client: LAPTOP }],
    ),
    bobs(
      "a place reused after a removal",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, both),
        tree(at + 60, 2, [leaf(0, "bob"), leaf(1, "laptop", { source: "key_package" })]),
      ],
      [],
    ),
    bobs(
      "a member that renews its key",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, both),
        list(T + 30 * DAY, v2),
        tree(T + 31 * DAY, 2, [leaf(0, "bob"), leaf(1, "phone, renewed", { source: "update" })]),
      ],
      [],
    ),
    bobs(
      "a member that falls back to a basic credential",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, both),
        tree(at + 60, 2, [leaf(0, "bob"), { leaf_index: 1, type: "basic", reference: ALICE, source: "update" }]),
      ],
      [
        { kind: "CREDENTIAL_DEGRADED", life: "confirmed", user: ALICE },
        { kind: "INVALID_SUCCESSOR", life: "confirmed", user: ALICE },
      ],
    ),
    bobs(
      "a member whose certificate expired long ago",
      [
        bobsList,
        list(T + 30 * DAY, v2),
        tree(T + 31 * DAY, 1, [leaf(0, "bob", { not_after: T + 400 * DAY }), leaf(1, "phone")]),
        tree(T + 100 * DAY, 2, [leaf(0, "bob", { not_after: T + 400 * DAY }), leaf(1, "phone")]),
      ],
      [{ kind: "CREDENTIAL_DEGRADED", life: "confirmed", client: PHONE }],
    ),
    bobs(
      "a member that renews within the grace",
      [
        bobsList,
        list(T + 30 * DAY, v2),
        tree(T + 85 * DAY, 1, [leaf(0, "bob", { not_after: T + 400 * DAY }), leaf(1, "phone")]),
        tree(T + 92 * DAY, 2, [leaf(0, "bob", { not_after: T + 400 * DAY }), leaf(1, "phone")]),
        tree(T + 93 * DAY, 3, [
          leaf(0, "bob", { not_after: T + 400 * DAY }),
          leaf(1, "phone, renewed", { source: "update" }),
        ]),
        tick(T + 110 * DAY),
      ],
      [],
    ),
    bobs(
      "records that were dropped after their retention still count for what was seen with them",
      [
        bobsList,
        list(T + DAY, v1),
        list(T + 30 * DAY, v2),
        list(T + 40 * DAY, v3),
        list(T + 200 * DAY, v4),
        tree(T + 200 * DAY, 9, [
          leaf(0, "bob", { not_after: T + 400 * DAY }),
          leaf(1, "phone, renewed", { not_after: T + 400 * DAY }),
        ]),
      ],
      [],
    ),
  ];

  const revokedTablet = (reason: number) =>
    listOf(
      3,
      "operatorRevocation",
      [laptopDevice, phoneDevice, tablet({ revokedAt: T + 3 * DAY, reason })],
      digest("version 2"),
    );
  const log: GhostTrace[] = [
    alices(
      "a ghost device logged under one's own name",
      [
        list(T, v0),
        list(T + DAY, v1),
        list(at, ghosted, {
          expect: [
            { kind: "SELF_UNKNOWN_IN_LOG", life: "suspect", client: TABLET },
            { kind: "UNAUTHORISED_ENTRY", life: "suspect", client: TABLET },
          ],
        }),
        tick(at + DAY, { expect: [{ kind: "SELF_UNKNOWN_IN_LOG", life: "confirmed", client: TABLET }] }),
      ],
      [
        { kind: "SELF_UNKNOWN_IN_LOG", life: "confirmed", client: TABLET },
        { kind: "UNAUTHORISED_ENTRY", life: "suspect", client: TABLET },
      ],
    ),
    alices(
      "devices that own devices approved",
      [list(T, v0), list(T + DAY, v1), list(at, approved), list(T + 30 * DAY, approved)],
      [],
    ),
    alices(
      "a device that the user confirms",
      [
        list(T, v0),
        list(T + DAY, v1),
        list(at, ghosted),
        { type: "confirm-device", at: at + 60, client: TABLET, spki_hash: hex(keys.tablet.spkiHash) },
        tick(at + 2 * DAY),
      ],
      [{ kind: "UNAUTHORISED_ENTRY", life: "suspect", client: TABLET }],
    ),
    alices(
      "a first look: the user is asked before anything is suspected",
      [
        list(at, ghosted, { expect: [{ kind: "SELF_UNKNOWN_IN_LOG", life: "pending", client: TABLET }] }),
        tick(at + DAY),
      ],
      [{ kind: "SELF_UNKNOWN_IN_LOG", life: "confirmed", client: TABLET }],
    ),
    alices(
      "an approval from before a revocation does not bring a device back",
      [
        list(T, v0),
        list(T + DAY, v1),
        list(
          T + 40 * DAY,
          next(v1, "ownerRevocation", [
            {
              ...laptopDevice,
              credentials: [
                {
                  ...laptopDevice.credentials[0],
                  status: "revoked",
                  revokedAt: BigInt(T + 40 * DAY),
                  reason: 1,
                } as CredentialRecord,
              ],
            },
            phoneDevice,
          ]),
        ),
        list(
          T + 41 * DAY,
          next(
            next(v1, "ownerRevocation", [
              {
                ...laptopDevice,
                credentials: [
                  {
                    ...laptopDevice.credentials[0],
                    status: "revoked",
                    revokedAt: BigInt(T + 40 * DAY),
                    reason: 1,
                  } as CredentialRecord,
                ],
              },
              phoneDevice,
            ]),
            "deviceApproval",
            [
              {
                ...laptopDevice,
                credentials: [
                  {
                    ...laptopDevice.credentials[0],
                    status: "revoked",
                    revokedAt: BigInt(T + 40 * DAY),
                    reason: 1,
                  } as CredentialRecord,
                  {
                    ...(laptopDevice.credentials[0] as CredentialRecord),
                    tbsCertificateHash: digest("replayed"),
                    notBefore: BigInt(T + 41 * DAY),
                  } as CredentialRecord,
                ],
              },
              phoneDevice,
            ],
          ),
        ),
      ],
      [],
      { comment: "replaced below by what the detector must say" },
    ),
    alices(
      "a stranger in a group under one's own name",
      [list(T, v0), list(T + DAY, v1), tree(at, 1, [leaf(0, "phone"), leaf(1, "ghost")]), list(at + DAY + 1, v1)],
      [
        { kind: "SELF_UNKNOWN_IN_GROUP", life: "confirmed", client: TABLET },
        { kind: "UNLOGGED_LEAF", life: "confirmed", client: TABLET },
      ],
    ),
    alices(
      "an own credential that vanished from the log",
      [
        {
          type: "own-key",
          at: T,
          client: PHONE,
          spki_hash: hex(keys.phone.spkiHash),
          enrolled: { tbs_certificate_hash: hex(digest("certificate phone 1")), version: 0, not_after: T + 90 * DAY },
        },
        list(T, v0),
        list(T + DAY, v1),
        list(at, next(v1, "expiry", [laptopDevice])),
      ],
      [
        { kind: "SELF_MISSING_FROM_LOG", life: "confirmed", client: PHONE },
        { kind: "UNAUTHORISED_ENTRY", life: "confirmed", user: ALICE },
      ],
    ),
    bobs(
      "a device that came and went between two looks",
      [bobsList, list(T + DAY, v1), list(T + 5 * DAY, revokedTablet(0))],
      [{ kind: "TRANSIENT_DEVICE", life: "confirmed", client: TABLET }],
    ),
    bobs(
      "an enrolment that failed after it was logged",
      [bobsList, list(T + DAY, v1), list(T + 5 * DAY, revokedTablet(5))],
      [],
    ),
    bobs(
      "a device without approval",
      [bobsList, list(T + DAY, v1), list(at, ghosted)],
      [{ kind: "UNAUTHORISED_ENTRY", life: "suspect", client: TABLET }],
    ),
    bobs(
      "a renewal without continuity",
      [
        bobsList,
        list(T + DAY, v1),
        list(
          T + 30 * DAY,
          next(v1, "renewal", [
            laptopDevice,
            {
              ...phoneDevice,
              credentials: [
                ...phoneDevice.credentials,
                recordOf({ certificate: "phone 2", key: keys.next, notBefore: T + 30 * DAY }),
              ],
            },
          ]),
        ),
      ],
      [{ kind: "UNAUTHORISED_ENTRY", life: "suspect", client: PHONE }],
    ),
    bobs(
      "approvals, renewals with continuity, revocations",
      [
        bobsList,
        list(T, v0),
        list(T + DAY, v1),
        list(T + 30 * DAY, v2),
        list(T + 40 * DAY, v3),
        list(T + 200 * DAY, v4),
      ],
      [],
    ),
    bobs(
      "a recovery is told to contacts and is no finding",
      [bobsList, list(T + DAY, v1), list(at, next(v1, "recovery", [laptopDevice, phoneDevice, tablet()]))],
      [],
    ),
    bobs(
      "two values for one version",
      [bobsList, list(T + DAY, v1), list(at, listOf(1, "recovery", v1.devices, v1.previousHash))],
      [{ kind: "VIEW_SPLIT", life: "confirmed", user: ALICE }],
    ),
    bobs(
      "a version that continues another history",
      [bobsList, list(T + DAY, v1), list(at, { ...v2, previousHash: digest("other") })],
      [{ kind: "VIEW_SPLIT", life: "confirmed", user: ALICE }],
    ),
    bobs(
      "an old list replayed as the greatest version",
      [bobsList, list(T + 30 * DAY, v2), list(T + 31 * DAY, v1)],
      [{ kind: "VIEW_SPLIT", life: "confirmed", user: ALICE }],
    ),
    bobs(
      "two roots for one log size",
      [
        { type: "head", at: T, log_id: hex(LOG_ID), position: 12, root: hex(digest("a")), source: "lookup" },
        { type: "head", at: T + 1, log_id: hex(LOG_ID), position: 12, root: hex(digest("a")), source: "gossip" },
        { type: "head", at: T + 2, log_id: hex(LOG_ID), position: 12, root: hex(digest("b")), source: "gossip" },
      ],
      [{ kind: "VIEW_SPLIT", life: "confirmed" }],
    ),
    bobs(
      "a log that signed what cannot be true is accused once for each rule",
      [
        { type: "log-misbehaviour", at: T, log_id: hex(LOG_ID), kind: "fork", evidence: "00" },
        { type: "log-misbehaviour", at: T + 60, log_id: hex(LOG_ID), kind: "fork", evidence: "01", expect: [] },
        { type: "log-misbehaviour", at: T + 60, log_id: hex(LOG_ID), kind: "inconsistent-ladder", evidence: "02" },
      ],
      [
        { kind: "VIEW_SPLIT", life: "confirmed", user: BOB },
        { kind: "VIEW_SPLIT", life: "confirmed", user: BOB },
      ],
    ),
    bobs(
      "a log that goes silent",
      [
        bobsList,
        list(T + DAY, v1),
        { type: "log-unavailable", at, user: ALICE, expect: [{ kind: "EVIDENCE_UNAVAILABLE", life: "pending" }] },
        tick(at + DAY, { expect: [{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed" }] }),
      ],
      [{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed", user: ALICE }],
    ),
    bobs(
      "a log that stands still while a ghost is in the group",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, haunted),
        list(at + DAY, v1, { proven_at: T + DAY }),
        tick(at + DAY + 10),
      ],
      [
        { kind: "UNLOGGED_LEAF", life: "pending", client: TABLET },
        { kind: "EVIDENCE_UNAVAILABLE", life: "confirmed", user: ALICE },
      ],
    ),
    alices(
      "offline after an outage: the log is asked before anybody is suspected",
      [
        list(T, v0),
        { type: "log-unavailable", at: T + DAY, user: ALICE },
        tree(T + DAY, 1, [leaf(0, "phone"), leaf(1, "laptop")]),
        tree(T + 4 * DAY, 2, [leaf(0, "phone"), leaf(1, "laptop")], {
          expect: [],
        }),
        list(T + 4 * DAY + 5, v1),
        tick(T + 4 * DAY + 10),
      ],
      [],
    ),
    bobs(
      "a contact who left all groups is not waited for",
      [
        bobsList,
        list(T + DAY, v1),
        tree(at, 1, all),
        { type: "log-unavailable", at: at + 60, user: ALICE },
        tree(at + 3600, 2, [leaf(0, "bob")], { expect: [{ kind: "EVIDENCE_UNAVAILABLE", life: "resolved" }] }),
        tick(at + 5 * DAY),
      ],
      [],
    ),
    alices(
      "versions of the past are read in their order and say nothing about the present",
      [
        list(T + 10 * DAY, v0, { greatest: false, proven_at: 0 }),
        list(T + 10 * DAY, v1, { greatest: false, proven_at: 0 }),
        tree(T + 10 * DAY, 1, [leaf(0, "phone"), leaf(1, "ghost")], {
          expect: [
            { kind: "UNLOGGED_LEAF", life: "pending" },
            { kind: "SELF_UNKNOWN_IN_GROUP", life: "pending" },
          ],
        }),
        list(T + 10 * DAY + 400, ghosted),
      ],
      [
        { kind: "SELF_UNKNOWN_IN_GROUP", life: "suspect" },
        { kind: "SELF_UNKNOWN_IN_LOG", life: "suspect" },
        { kind: "UNAUTHORISED_ENTRY", life: "suspect" },
      ],
    ),
    bobs(
      "an acknowledged finding stays so until it gets worse",
      [
        bobsList,
        list(T + DAY, v1),
        { type: "log-unavailable", at, user: ALICE },
        {
          type: "acknowledge",
          at: at + 1,
          finding: `EVIDENCE_UNAVAILABLE|${ALICE}||${ALICE}`,
          expect: [{ kind: "EVIDENCE_UNAVAILABLE", life: "acknowledged" }],
        },
        tick(at + 60, { expect: [] }),
        tick(at + DAY, { expect: [{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed" }] }),
      ],
      [{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed", user: ALICE }],
    ),
    bobs(
      "a short outage",
      [
        bobsList,
        list(T + DAY, v1),
        { type: "log-unavailable", at, user: ALICE },
        list(at + 3600, v1),
        tick(at + 3 * DAY),
      ],
      [],
    ),
    bobs(
      "a logged value that is no device list",
      [bobsList, list(T + DAY, v1), { type: "device-list", at, user: ALICE, version: 2, value: "00", proven_at: at }],
      [{ kind: "UNAUTHORISED_ENTRY", life: "confirmed", user: ALICE }],
    ),
  ];
  const replay = log.findIndex(({ name }) => name.startsWith("an approval from before"));
  const { comment: _, ...trace } = log[replay] as GhostTrace;
  log[replay] = {
    ...trace,
    end: [
      { kind: "SELF_UNKNOWN_IN_LOG", life: "suspect", client: LAPTOP },
      { kind: "UNAUTHORISED_ENTRY", life: "suspect", client: LAPTOP },
    ],
  };

  return {
    "leaves.json": { description: "Credentials in trees and KeyPackages against the log.", traces: leaves },
    "members.json": { description: "Members over time and over groups.", traces: members },
    "log.json": { description: "What the log says, and what it does not.", traces: log },
    "returns.json": {
      description: "What starts again, comes back, or lies about time.",
      traces: returnTraces(),
    },
    "vouching.json": {
      description: "Who vouches for whom where versions were skipped.",
      traces: await vouchingTraces(),
    },
  };
}
