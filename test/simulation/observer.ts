import {
  decodeDeviceList,
  defaultPolicy,
  type Finding,
  type FindingKind,
  GhostDetector,
  type GhostDetectorOptions,
  type GhostEvent,
  type SightedLeaf,
} from "@mls-as/mls-credentials";
import { DAY, LOG_ID } from "../conformance/example-devices.js";
import { hex } from "../conformance/wire-json.js";
import { rememberingProvider } from "./crypto-memory.js";
import { Random } from "./random.js";
import { type Device, HOUR, newest, sighted, type User, type World } from "./world.js";

/** What a lookup of a user answers; undefined when the log does not. */
export type Lookup = (user: User, at: number) => { version: number; value: Uint8Array; provenAt: number } | undefined;

/** One device with its detector: offline at times, its clock off, its log sometimes late or away. */
export class Observer {
  detector: GhostDetector;
  readonly alarms: Finding[] = [];
  readonly #world: World;
  readonly #user: User;
  readonly #device: Device;
  readonly #random: Random;
  readonly #skew: number;
  readonly #options: GhostDetectorOptions;
  readonly #seenEpochs = new Map<string, number>();
  /** Own certificates by hash: whether the detector knows that they are logged. */
  readonly #told = new Map<string, boolean>();
  #ownVersions = 0;
  #offlineUntil = 0;
  readonly #absences: { readonly from: number; readonly until: number }[] = [];
  #outageUntil = 0;
  /** Replaced by an attack that lies about the log. */
  lookup: Lookup;

  constructor(world: World, user: User, seed: number, disabled?: ReadonlySet<FindingKind>) {
    this.#world = world;
    this.#user = user;
    this.#device = user.devices[0] as Device;
    this.#random = new Random(seed);
    this.#skew = this.#random.between(-120, 120);
    this.lookup = honestLookup;
    const key = this.#device.certificates[0] as Device["certificates"][number];
    this.#options = {
      self: user.uri,
      ownKeys: [{ client: this.#device.client, spkiHash: key.record.spkiHash }],
      policy: defaultPolicy({}),
      provider: rememberingProvider,
      logId: LOG_ID,
      ...(disabled === undefined ? {} : { disabled }),
    };
    this.detector = new GhostDetector(this.#options);
  }

  /** For how long this device has been, or is to be, offline after a moment, seconds. */
  offlineSince(moment: number): number {
    return this.#absences.reduce((sum, { from, until }) => sum + Math.max(0, until - Math.max(from, moment)), 0);
  }

  /** A KeyPackage that this device is given to add somebody with. */
  async sightKeyPackage(credential: SightedLeaf): Promise<void> {
    await this.tell({ type: "key-package", at: this.#clock(), credential });
  }

  /** Lives until the world's present. */
  async step(): Promise<void> {
    const { now } = this.#world;
    if (now < this.#offlineUntil) return;
    if (this.#random.chance(0.02)) {
      this.#offlineUntil = now + this.#random.between(HOUR, 4 * DAY);
      this.#absences.push({ from: now, until: this.#offlineUntil });
      return;
    }
    // Outages are short and far apart: two that this device cannot tell from one would be a long one to it.
    if (now >= this.#outageUntil + 6 * DAY && this.#random.chance(0.02))
      this.#outageUntil = now + this.#random.between(HOUR, 18 * HOUR);
    if (this.#random.chance(0.01)) this.detector = GhostDetector.restore(this.#options, this.detector.snapshot());
    await this.#tellOwnKeys();
    await this.#readOwn();
    const contacts = await this.#readGroups();
    for (const user of contacts)
      if (this.#random.chance(0.02)) {
        const device = this.#random.pick(user.devices.filter((each) => !each.revoked));
        await this.sightKeyPackage(sighted({ user, device, certificate: newest(device), source: "key_package" }, 0));
      }
    const open = new Set(this.detector.findings().flatMap(({ life, user }) => (life === "pending" ? [user] : [])));
    // Whoever has something open is asked about also after leaving all groups.
    for (const user of this.#world.users) if (open.has(user.uri)) contacts.add(user);
    for (const user of contacts)
      if (user !== this.#user && (open.has(user.uri) || this.#random.chance(0.3))) await this.read(user);
    await this.tell({ type: "tick", at: this.#clock() });
  }

  async #tellOwnKeys(): Promise<void> {
    for (const { record } of this.#device.certificates) {
      const logged = this.#user.versions.findIndex(({ value, loggedAt }) => {
        if (loggedAt > this.#world.now) return false;
        return decodeDeviceList(value).devices.some(({ credentials }) =>
          credentials.some((each) => hex(each.tbsCertificateHash) === hex(record.tbsCertificateHash)),
        );
      });
      const known = this.#told.get(hex(record.tbsCertificateHash));
      if (known === true || (known === false && logged < 0)) continue;
      this.#told.set(hex(record.tbsCertificateHash), logged >= 0);
      await this.tell({
        type: "own-key",
        at: this.#clock(),
        client: this.#device.client,
        spkiHash: hex(record.spkiHash),
        ...(logged < 0
          ? {}
          : {
              enrolled: {
                tbsCertificateHash: hex(record.tbsCertificateHash),
                version: logged,
                notAfter: Number(record.notAfter),
              },
            }),
      });
    }
  }

  #clock(): number {
    return this.#world.now + this.#skew;
  }

  async #readGroups(): Promise<Set<User>> {
    const users = new Set<User>();
    for (const group of this.#world.groups) {
      if (!group.leaves.some((member) => member?.device === this.#device)) {
        if (this.#seenEpochs.delete(group.name))
          await this.tell({ type: "left", at: this.#clock(), group: group.name });
        continue;
      }
      for (const member of group.leaves) if (member !== undefined) users.add(member.user);
      const last = this.#seenEpochs.get(group.name) ?? group.epoch - 1;
      for (let epoch = Math.min(last + 1, group.epoch); epoch <= group.epoch; epoch++) {
        const members = group.history.get(epoch) ?? [];
        const leaves = members.flatMap((member, i) => (member === undefined ? [] : [sighted(member, i)]));
        const current = epoch === group.epoch;
        await this.tell({ type: "tree", at: this.#clock(), group: group.name, epoch, current, leaves });
      }
      this.#seenEpochs.set(group.name, group.epoch);
    }
    return users;
  }

  /** Own-device monitoring reads every version, in order. */
  async #readOwn(): Promise<void> {
    const { now } = this.#world;
    const { versions, uri } = this.#user;
    if (now < this.#outageUntil) return;
    for (; this.#ownVersions < versions.length; this.#ownVersions++) {
      const { value, loggedAt } = versions[this.#ownVersions] as User["versions"][number];
      if (loggedAt > now) return;
      await this.tell({
        type: "device-list",
        at: this.#clock(),
        user: uri,
        version: this.#ownVersions,
        value,
        provenAt: loggedAt,
        greatest: false,
      });
    }
    await this.read(this.#user);
  }

  /** Asks the log about a user. */
  async read(user: User): Promise<void> {
    const { now } = this.#world;
    const late = this.#random.chance(0.1) ? 900 : 30;
    await this.#take(
      user,
      now < this.#outageUntil ? undefined : this.lookup(user, now - this.#random.between(0, late)),
    );
  }

  /** Asks the log about a user, and is answered as of this moment. */
  async look(user: User): Promise<void> {
    await this.#take(user, this.lookup(user, this.#world.now));
  }

  async #take(user: User, answer: ReturnType<Lookup>): Promise<void> {
    const at = this.#clock();
    if (answer === undefined) await this.tell({ type: "log-unavailable", at, user: user.uri });
    else await this.tell({ type: "device-list", at, user: user.uri, ...answer });
  }

  async tell(event: GhostEvent): Promise<void> {
    const { findings } = await this.detector.observe(event);
    this.alarms.push(...findings.filter(({ life }) => life === "suspect" || life === "confirmed"));
  }
}

/** The newest version that was logged by then. */
export const honestLookup: Lookup = (user, at) => {
  let version = user.versions.length - 1;
  while (version >= 0 && (user.versions[version] as User["versions"][number]).loggedAt > at) version--;
  const found = user.versions[version];
  return found === undefined ? undefined : { version, value: found.value, provenAt: at };
};
