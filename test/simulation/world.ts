import {
  type ChangeOrigin,
  type CredentialRecord,
  type DeviceList,
  deviceListHash,
  encodeDeviceList,
  NO_PREVIOUS_HASH,
  type SightedLeaf,
  sortDeviceList,
} from "@mls-as/mls-credentials";
import { approvalOf, continuityOf, DAY, type ExampleKey, recordOf, START } from "../conformance/example-devices.js";
import { hex } from "../conformance/wire-json.js";
import { keyNamed, rememberingProvider } from "./crypto-memory.js";
import { Random } from "./random.js";

export const HOUR = 3600;

/** How long honest clients take at most to bring a change into all groups. */
const SETTLING = 5 * DAY;

export interface Certificate {
  readonly record: CredentialRecord;
  readonly key: ExampleKey;
}

export interface Device {
  readonly client: string;
  readonly addedAt: number;
  certificates: Certificate[];
  revoked: boolean;
  /** Until when the device is being brought into its groups anew. */
  busyUntil: number;
}

export interface User {
  readonly uri: string;
  readonly name: string;
  readonly devices: Device[];
  /** Every logged version. */
  readonly versions: { readonly value: Uint8Array; readonly loggedAt: number }[];
  count: number;
}

export interface Member {
  readonly user: User;
  readonly device: Device;
  readonly certificate: Certificate;
  readonly source: SightedLeaf["source"];
  /** What an attack makes of the leaf. */
  readonly changes?: Partial<SightedLeaf>;
}

export interface Group {
  readonly name: string;
  epoch: number;
  readonly leaves: (Member | undefined)[];
  /** The members of every epoch: whoever was offline processes the commits one by one. */
  readonly history: Map<number, readonly (Member | undefined)[]>;
}

interface Task {
  readonly at: number;
  readonly run: () => void | Promise<void>;
}

/** An honest service and honest users; attacks are done to it from outside. */
export class World {
  readonly random: Random;
  readonly users: User[] = [];
  readonly groups: Group[] = [];
  now = START;
  #tasks: Task[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  static async create(seed: number, size: { users: number; groups: number }): Promise<World> {
    const world = new World(seed);
    for (let i = 0; i < size.users; i++) await world.#enrol(`user${i}`, world.random.between(2, 7));
    for (let i = 0; i < size.groups; i++) {
      const group: Group = { name: i.toString(16).padStart(4, "0"), epoch: 1, leaves: [], history: new Map() };
      world.groups.push(group);
      // The first two users share the first three groups: there the attacks happen, before their eyes.
      const members = new Set(i < 3 ? world.users.slice(0, 2) : []);
      while (members.size < 5) members.add(world.random.pick(world.users));
      for (const user of members)
        for (const device of user.devices)
          world.#place(group, { user, device, certificate: newest(device), source: "key_package" });
    }
    return world;
  }

  async #enrol(name: string, devices: number): Promise<void> {
    const user: User = { uri: `mimi://example.org/u/${name}`, name, devices: [], versions: [], count: 0 };
    this.users.push(user);
    for (let i = 0; i < devices; i++) {
      await this.addDevice(user, this.now - DAY);
      this.publish(user, i === 0 ? "enrolment" : "deviceApproval", this.now - DAY + i);
    }
  }

  schedule(at: number, run: Task["run"]): void {
    this.#tasks.push({ at, run });
  }

  /** Lets time pass: honest life by chance, and what was scheduled. */
  async advance(until: number): Promise<void> {
    const days = (until - this.now) / DAY;
    for (const user of this.users) await this.#live(user, days);
    const due = this.#tasks.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    this.#tasks = this.#tasks.filter(({ at }) => at > until);
    for (const task of due) await task.run();
    this.now = until;
  }

  async #live(user: User, days: number): Promise<void> {
    const at = this.now + this.random.between(60, 3 * HOUR);
    const spare = user.devices.filter((device) => !device.revoked);
    const last = spare.at(-1) as Device;
    const calm = this.now >= last.busyUntil;
    const allCalm = spare.every(({ busyUntil }) => this.now >= busyUntil);
    if (this.random.chance(0.01 * days)) await this.#grow(user, at);
    else if (this.random.chance(0.006 * days) && spare.length > 2 && calm) this.#shrink(user, last, at);
    else if (this.random.chance(0.005 * days) && spare.length > 2 && calm) await this.#reinstall(user, last, at);
    else if (this.random.chance(0.003 * days)) await this.#failToEnrol(user, at);
    else if (this.random.chance(0.002 * days) && this.users.indexOf(user) > 2 && allCalm) await this.#recover(user, at);
    if (this.random.chance(0.02 * days)) this.#changeGroups(user, at);
    for (const device of user.devices)
      if (!device.revoked && (this.random.chance(0.015 * days) || this.#endsSoon(device)))
        await this.#rotate(user, device, at);
  }

  #endsSoon(device: Device): boolean {
    return Number(newest(device).record.notAfter) < this.now + 12 * DAY;
  }

  async #grow(user: User, at: number): Promise<void> {
    const device = await this.addDevice(user, at);
    this.publish(user, "deviceApproval", at);
    for (const group of this.groups.filter((each) => each.leaves.some((member) => member?.user === user)))
      this.schedule(at + this.random.between(60, SETTLING), () => this.#join(group, user, device));
  }

  /** Brings a device into a group of its user, where it is not yet. */
  #join(group: Group, user: User, device: Device): void {
    const inside = group.leaves.some((member) => member?.device === device);
    if (device.revoked || inside || !group.leaves.some((member) => member?.user === user)) return;
    this.#place(group, { user, device, certificate: newest(device), source: "key_package" });
  }

  #shrink(user: User, device: Device, at: number): void {
    this.revoke(user, device, at);
    for (const group of this.groups)
      this.schedule(at + this.random.between(60, SETTLING), () => this.remove(group, device));
  }

  async #rotate(user: User, device: Device, at: number): Promise<void> {
    const key = this.newKey(user);
    const continuity = await continuityOf(device.client, newest(device).key, key, rememberingProvider);
    this.certify(user, device, key, at, { continuity });
    this.publish(user, "renewal", at);
    for (const group of this.groups)
      this.schedule(at + this.random.between(60, SETTLING), () => {
        const member = group.leaves.find((each) => each?.device === device && isActive(each.certificate, device));
        if (member === undefined || device.revoked) return;
        group.leaves[group.leaves.indexOf(member)] = { ...member, certificate: newest(device), source: "update" };
        this.commit(group);
      });
  }

  /** The app was installed again: a new key under the old name, approved by another device; the old leaf goes later. */
  async #reinstall(user: User, device: Device, at: number): Promise<void> {
    const approver = user.devices.find((each) => !each.revoked && each !== device);
    if (approver === undefined) return;
    device.busyUntil = at + SETTLING + 2 * DAY;
    const old = device.certificates;
    const key = this.newKey(user);
    const approval = await approvalOf(
      {
        identity: user.uri,
        client: device.client,
        key,
        approver: approver.client,
        approverKey: newest(approver).key,
        afterVersion: user.versions.length - 1,
        expiresAt: at + DAY,
      },
      rememberingProvider,
    );
    device.certificates = old.map(({ record, key: oldKey }) => ({
      key: oldKey,
      record: record.status === "revoked" ? record : { ...record, status: "revoked", revokedAt: BigInt(at), reason: 1 },
    }));
    this.certify(user, device, key, at, { approval });
    this.publish(user, "deviceApproval", at);
    for (const group of this.groups.filter((each) => each.leaves.some((member) => member?.device === device)))
      this.schedule(at + this.random.between(60, SETTLING), () => {
        const stale = group.leaves.findIndex((member) => member?.device === device);
        if (device.revoked || stale < 0) return;
        this.#place(group, { user, device, certificate: newest(device), source: "key_package" });
        this.schedule(this.now + this.random.between(60, DAY), () => {
          const left = group.leaves[stale];
          if (left?.device !== device || isActive(left.certificate, device)) return;
          group.leaves[stale] = undefined;
          this.commit(group);
        });
      });
  }

  /** A certificate that was logged and could not be signed is logged again as revoked. */
  async #failToEnrol(user: User, at: number): Promise<void> {
    const device = await this.addDevice(user, at);
    this.publish(user, "deviceApproval", at);
    device.revoked = true;
    device.certificates = device.certificates.map(({ record, key }) => ({
      key,
      record: { ...record, status: "revoked", revokedAt: BigInt(at + 600), reason: 5 },
    }));
    this.publish(user, "operatorRevocation", at + 600);
  }

  /** All devices are lost: contacts are told, and the new device joins all groups. */
  async #recover(user: User, at: number): Promise<void> {
    const lost = user.devices.filter((device) => !device.revoked);
    for (const device of lost) {
      device.revoked = true;
      device.certificates = device.certificates.map(({ record, key }) => ({
        key,
        record:
          record.status === "revoked" ? record : { ...record, status: "revoked", revokedAt: BigInt(at), reason: 1 },
      }));
    }
    const device = await this.addDevice(user, at, false);
    this.publish(user, "recovery", at);
    for (const group of this.groups.filter((each) => each.leaves.some((member) => member?.user === user)))
      this.schedule(at + this.random.between(60, SETTLING), () => {
        this.#join(group, user, device);
        for (const gone of lost) this.remove(group, gone);
      });
  }

  /** A user joins a group with all devices, one after another, or leaves one with all. */
  #changeGroups(user: User, at: number): void {
    const group = this.groups[this.random.between(Math.min(3, this.groups.length - 1), this.groups.length)] as Group;
    if (group.leaves.some((member) => member?.user === user)) {
      this.schedule(at, () => {
        for (const device of user.devices) this.remove(group, device);
      });
      return;
    }
    this.schedule(at + 60, () => {
      const first = user.devices.find((device) => !device.revoked);
      if (first === undefined || group.leaves.some((member) => member?.user === user)) return;
      this.#place(group, { user, device: first, certificate: newest(first), source: "key_package" });
    });
    // Devices that came meanwhile join as well.
    for (let round = 1; round <= 4; round++)
      this.schedule(at + round * DAY, () => {
        for (const device of user.devices) if (this.random.chance(0.6) || round === 4) this.#join(group, user, device);
      });
  }

  newKey(user: User): ExampleKey {
    return keyNamed(`${user.name} ${user.count++}`);
  }

  /** A new device with a key, approved by an older one if there is one and `approved` is not false. Not yet published. */
  async addDevice(user: User, at: number, approved = true): Promise<Device> {
    const key = this.newKey(user);
    const device: Device = {
      client: `${user.uri.replace("/u/", "/d/")}/device${user.count}`,
      addedAt: at,
      certificates: [],
      revoked: false,
      busyUntil: at + SETTLING,
    };
    const approver = approved ? user.devices.find((each) => !each.revoked) : undefined;
    const approval =
      approver === undefined
        ? undefined
        : await approvalOf(
            {
              identity: user.uri,
              client: device.client,
              key,
              approver: approver.client,
              approverKey: newest(approver).key,
              afterVersion: user.versions.length - 1,
              expiresAt: at + DAY,
            },
            rememberingProvider,
          );
    this.certify(user, device, key, at, approval === undefined ? {} : { approval });
    user.devices.push(device);
    return device;
  }

  certify(
    user: User,
    device: Device,
    key: ExampleKey,
    at: number,
    vouched: Partial<Pick<CredentialRecord, "approval" | "continuity">>,
  ): void {
    const notAfter = at + this.random.between(30, 90) * DAY;
    const certificate = `${user.name} ${user.count} ${at}`;
    const { approval, continuity } = vouched;
    const record = recordOf({
      certificate,
      key,
      notBefore: at,
      notAfter,
      ...(approval === undefined ? {} : { approval }),
      ...(continuity === undefined ? {} : { continuity }),
    });
    device.certificates = [...device.certificates, { record, key }];
  }

  revoke(user: User, device: Device, at: number): void {
    device.revoked = true;
    device.certificates = device.certificates.map(({ record, key }) => ({
      key,
      record: record.status === "revoked" ? record : { ...record, status: "revoked", revokedAt: BigInt(at), reason: 1 },
    }));
    this.publish(user, "ownerRevocation", at);
  }

  publish(user: User, origin: ChangeOrigin, at: number): void {
    const value = encodeDeviceList(this.listOf(user, origin));
    user.versions.push({ value, loggedAt: Math.max(at, user.versions.at(-1)?.loggedAt ?? at) });
  }

  listOf(user: User, origin: ChangeOrigin): DeviceList {
    const before = user.versions.at(-1);
    return sortDeviceList({
      format: 1,
      identity: user.uri,
      version: user.versions.length,
      previousHash: before === undefined ? NO_PREVIOUS_HASH : deviceListHash(before.value),
      origin,
      devices: user.devices.map(({ client, addedAt, certificates }) => ({
        client,
        addedAt: BigInt(addedAt),
        credentials: certificates.map(({ record }) => record),
      })),
    });
  }

  /** Ends an epoch, after its leaves were changed. */
  commit(group: Group): void {
    group.epoch++;
    group.history.set(group.epoch, [...group.leaves]);
  }

  /** Adds a member at the first free leaf. */
  place(group: Group, member: Member): void {
    this.#place(group, member);
  }

  #place(group: Group, member: Member): void {
    const free = group.leaves.indexOf(undefined);
    if (free < 0) group.leaves.push(member);
    else group.leaves[free] = member;
    this.commit(group);
  }

  /** Removes a device, with all its leaves. */
  remove(group: Group, device: Device): void {
    if (!group.leaves.some((member) => member?.device === device)) return;
    group.leaves.forEach((member, i) => {
      if (member?.device === device) group.leaves[i] = undefined;
    });
    this.commit(group);
  }
}

/** Whether a leaf's certificate has not been revoked since it was placed. */
function isActive({ record }: Certificate, device: Device): boolean {
  return device.certificates.some(
    (each) => each.record.tbsCertificateHash === record.tbsCertificateHash && each.record.status === "active",
  );
}

export function newest(device: Device): Certificate {
  return device.certificates.at(-1) as Certificate;
}

/** A member stays the same object until its leaf changes, and so does what it shows, as in an app that parses a leaf once. */
const shown = new WeakMap<Member, SightedLeaf>();

/** What a member shows. */
export function sighted(member: Member, leafIndex: number): SightedLeaf {
  const known = shown.get(member);
  if (known?.leafIndex === leafIndex) return known;
  const { user, device, certificate, source, changes } = member;
  const leaf: SightedLeaf = {
    leafIndex,
    source,
    reference: user.uri,
    type: "x509",
    user: user.uri,
    client: device.client,
    spkiHash: hex(certificate.record.spkiHash),
    tbsCertificateHash: hex(certificate.record.tbsCertificateHash),
    keyMatches: true,
    notBefore: Number(certificate.record.notBefore),
    notAfter: Number(certificate.record.notAfter),
    ...changes,
  };
  shown.set(member, leaf);
  return leaf;
}
