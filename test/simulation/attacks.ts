import { encodeDeviceList, type FindingKind } from "@mls-as/mls-credentials";
import { continuityOf, DAY } from "../conformance/example-devices.js";
import { hex } from "../conformance/wire-json.js";
import { honestLookup, type Observer } from "./observer.js";
import { type Device, type Group, HOUR, type Member, newest, sighted, type User, type World } from "./world.js";

/** An attack on the first user (who observes as its own) before the second (who observes as a contact). */
export interface Attack {
  readonly name: string;
  /** Who must see it, as what, and how long after it began at the latest. */
  readonly seenBy: "own" | "contact";
  readonly finding: FindingKind;
  readonly within: number;
  run(world: World, observers: { readonly own: Observer; readonly contact: Observer }): void | Promise<void>;
}

const victimOf = (world: World): User => world.users[0] as User;
const groupOf = (world: World): Group => world.groups[0] as Group;

/** A device the operator made up, not in the victim's list. */
async function ghostOf(world: World): Promise<{ user: User; ghost: Device }> {
  const user = victimOf(world);
  const ghost = await world.addDevice(user, world.now - 60, false);
  user.devices.pop();
  return { user, ghost };
}

const member = (user: User, device: Device, source: Member["source"] = "key_package"): Member => ({
  user,
  device,
  certificate: newest(device),
  source,
});

/** The victim's second device, which is no observer. */
const otherDevice = (user: User): Device => user.devices.slice(1).find((device) => !device.revoked) as Device;

export const ATTACKS: readonly Attack[] = [
  {
    name: "an unlogged leaf",
    seenBy: "contact",
    finding: "UNLOGGED_LEAF",
    within: 6 * DAY,
    async run(world) {
      const { user, ghost } = await ghostOf(world);
      world.place(groupOf(world), member(user, ghost));
    },
  },
  {
    name: "a ghost in the log",
    seenBy: "own",
    finding: "SELF_UNKNOWN_IN_LOG",
    within: 5 * DAY,
    async run(world) {
      const user = victimOf(world);
      await world.addDevice(user, world.now, false);
      world.publish(user, "deviceApproval", world.now);
    },
  },
  {
    name: "added, then removed",
    seenBy: "contact",
    finding: "UNLOGGED_LEAF",
    within: 10 * DAY,
    async run(world) {
      const { user, ghost } = await ghostOf(world);
      world.place(groupOf(world), member(user, ghost));
      // Longer than any observer stays offline: what nobody was there to see leaves no trace in a tree.
      world.schedule(world.now + 4 * DAY + 12 * HOUR, () => world.remove(groupOf(world), ghost));
    },
  },
  {
    name: "a key swap",
    seenBy: "contact",
    finding: "KEY_MISMATCH",
    within: 6 * DAY,
    run(world) {
      const user = victimOf(world);
      const device = otherDevice(user);
      const swapped: Device = { ...device, certificates: [] };
      world.certify(user, swapped, world.newKey(user), world.now - 60, {});
      const group = groupOf(world);
      world.remove(group, device);
      world.place(group, { ...member(user, swapped), source: "key_package" });
    },
  },
  {
    name: "a split view",
    seenBy: "contact",
    finding: "VIEW_SPLIT",
    within: 10 * DAY,
    async run(world, { contact }) {
      const user = victimOf(world);
      const version = user.versions.length;
      const forked = encodeDeviceList(world.listOf(user, "recovery"));
      world.publish(user, "expiry", world.now);
      // The contact looks at both: where it skips a version, no hash that it has seen names the one that it knew.
      contact.lookup = (_, at) => ({ version, value: forked, provenAt: at - 1 });
      await contact.look(user);
      contact.lookup = honestLookup;
      await contact.look(user);
    },
  },
  {
    name: "a silent device in one group",
    seenBy: "contact",
    finding: "PARTIAL_PRESENCE",
    within: 13 * DAY,
    async run(world) {
      const user = victimOf(world);
      const ghost = await world.addDevice(user, world.now, false);
      world.publish(user, "deviceApproval", world.now);
      world.place(groupOf(world), member(user, ghost));
    },
  },
  {
    name: "a revoked device kept",
    seenBy: "contact",
    finding: "REMOVED_DEVICE_PRESENT",
    within: 13 * DAY,
    run(world) {
      const user = victimOf(world);
      world.revoke(user, otherDevice(user), world.now);
    },
  },
  {
    name: "a rejoin as another",
    seenBy: "contact",
    finding: "INVALID_SUCCESSOR",
    within: 5 * DAY,
    run(world) {
      const victim = otherDevice(victimOf(world));
      const stranger = world.users.at(-1) as User;
      const group = groupOf(world);
      const at = group.leaves.findIndex((each) => each?.device === victim);
      group.leaves[at] = member(stranger, stranger.devices[0] as Device, "commit");
      world.commit(group);
    },
  },
  {
    name: "an old list replayed",
    seenBy: "contact",
    finding: "VIEW_SPLIT",
    within: 6 * DAY,
    run(world, { contact }) {
      const user = victimOf(world);
      const [first] = user.versions;
      if (first === undefined) return;
      contact.lookup = (asked, at) =>
        asked === user ? { version: 0, value: first.value, provenAt: at } : honestLookup(asked, at);
    },
  },
  {
    name: "a renewal without continuity",
    seenBy: "own",
    finding: "SELF_UNKNOWN_IN_LOG",
    within: 5 * DAY,
    run(world) {
      const user = victimOf(world);
      world.certify(user, otherDevice(user), world.newKey(user), world.now, {});
      world.publish(user, "renewal", world.now);
    },
  },
  {
    name: "a log that goes silent to hide a ghost",
    seenBy: "contact",
    finding: "EVIDENCE_UNAVAILABLE",
    within: 7 * DAY,
    async run(world, { contact }) {
      const { user, ghost } = await ghostOf(world);
      world.place(groupOf(world), member(user, ghost));
      contact.lookup = (asked, at) => (asked === user ? undefined : honestLookup(asked, at));
    },
  },
  {
    name: "a stranger under the victim's name in a group",
    seenBy: "own",
    finding: "SELF_UNKNOWN_IN_GROUP",
    within: 6 * DAY,
    async run(world) {
      const { user, ghost } = await ghostOf(world);
      world.place(groupOf(world), member(user, ghost));
    },
  },
  {
    name: "an own credential dropped from the log",
    seenBy: "own",
    finding: "SELF_MISSING_FROM_LOG",
    within: 5 * DAY,
    run(world) {
      const user = victimOf(world);
      const [device] = user.devices;
      if (device === undefined) return;
      device.certificates = [];
      world.certify(user, device, world.newKey(user), world.now, {});
      world.publish(user, "expiry", world.now);
    },
  },
  {
    name: "a device that comes and goes between two looks",
    seenBy: "contact",
    finding: "TRANSIENT_DEVICE",
    within: 6 * DAY,
    async run(world) {
      const user = victimOf(world);
      // Both after whatever anybody reads in this step, so that nobody sees it while it stands.
      const ghost = await world.addDevice(user, world.now + 1, false);
      world.publish(user, "deviceApproval", world.now + 1);
      ghost.revoked = true;
      ghost.certificates = ghost.certificates.map(({ record, key }) => ({
        key,
        record: { ...record, status: "revoked", revokedAt: BigInt(world.now + 60), reason: 0 },
      }));
      world.publish(user, "operatorRevocation", world.now + 60);
    },
  },
  {
    name: "a second leaf of a device",
    seenBy: "contact",
    finding: "DUPLICATE_CLIENT",
    within: 13 * DAY,
    async run(world) {
      const user = victimOf(world);
      const device = otherDevice(user);
      const key = world.newKey(user);
      const twin: Device = { ...device, certificates: [] };
      world.certify(user, twin, key, world.now, {
        continuity: await continuityOf(device.client, newest(device).key, key),
      });
      device.certificates = [...device.certificates, newest(twin)];
      world.publish(user, "renewal", world.now);
      const leaf = member(user, twin);
      world.schedule(world.now, () => world.place(groupOf(world), leaf));
    },
  },
  {
    name: "a member under another name than the roster's",
    seenBy: "contact",
    finding: "IDENTITY_CONFLICT",
    within: 5 * DAY,
    run(world) {
      const stranger = world.users.at(-1) as User;
      const leaf = member(stranger, stranger.devices[0] as Device);
      world.place(groupOf(world), { ...leaf, changes: { reference: victimOf(world).uri } });
    },
  },
  {
    name: "a stranger with the victim's key",
    seenBy: "contact",
    finding: "SIGNATURE_KEY_REUSED",
    within: 5 * DAY,
    run(world) {
      const stranger = world.users.at(-1) as User;
      const leaf = member(stranger, stranger.devices[0] as Device);
      const spkiHash = hex(newest(otherDevice(victimOf(world))).key.spkiHash);
      world.place(groupOf(world), { ...leaf, changes: { spkiHash } });
    },
  },
  {
    name: "a device without approval, seen by a contact",
    seenBy: "contact",
    finding: "UNAUTHORISED_ENTRY",
    within: 5 * DAY,
    async run(world, { contact }) {
      // The contact looks before and after: over several versions it would be told "identity changed" instead.
      const user = victimOf(world);
      await contact.look(user);
      await world.addDevice(user, world.now, false);
      world.publish(user, "deviceApproval", world.now);
      await contact.look(user);
    },
  },
  {
    name: "a KeyPackage of a device that the log does not hold",
    seenBy: "contact",
    finding: "UNLOGGED_KEY_PACKAGE",
    within: 6 * DAY,
    async run(world, { contact }) {
      const { user, ghost } = await ghostOf(world);
      await contact.sightKeyPackage(sighted(member(user, ghost), 0));
    },
  },
  {
    name: "a member that falls back to a basic credential",
    seenBy: "contact",
    finding: "CREDENTIAL_DEGRADED",
    within: 5 * DAY,
    run(world) {
      const user = victimOf(world);
      const device = otherDevice(user);
      const group = groupOf(world);
      world.remove(group, device);
      const basic = { type: "basic" as const, user: "", client: "", spkiHash: "", tbsCertificateHash: "" };
      world.place(group, { ...member(user, device), changes: basic });
    },
  },
];
