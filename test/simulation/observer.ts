import { nodeProvider } from "@mls-as/mls-core/node";
import { defaultPolicy, type Finding, type FindingKind, GhostDetector, type GhostEvent } from "@mls-as/mls-credentials";
import { DAY, LOG_ID } from "../conformance/example-devices.js";
import { Random } from "./random.js";
import { type Device, HOUR, sighted, type User, type World } from "./world.js";

/** What a lookup of a user answers; undefined when the log does not. */
export type Lookup = (user: User, at: number) => { version: number; value: Uint8Array; provenAt: number } | undefined;

/** One device with its detector: offline at times, its clock off, its log sometimes late or away. */
export class Observer {
  readonly detector: GhostDetector;
  readonly alarms: Finding[] = [];
  readonly #world: World;
  readonly #user: User;
  readonly #device: Device;
  readonly #random: Random;
  readonly #skew: number;
  readonly #seenEpochs = new Map<string, number>();
  #ownVersions = 0;
  #offlineUntil = 0;
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
    this.detector = new GhostDetector({
      self: user.uri,
      ownKeys: [{ client: this.#device.client, spkiHash: key.record.spkiHash }],
      policy: defaultPolicy({}),
      provider: nodeProvider,
      logId: LOG_ID,
      ...(disabled === undefined ? {} : { disabled }),
    });
  }

  /** Lives until the world's present. */
  async step(): Promise<void> {
    const { now } = this.#world;
    if (now < this.#offlineUntil) return;
    if (this.#random.chance(0.02)) {
      this.#offlineUntil = now + this.#random.between(HOUR, 4 * DAY);
      return;
    }
    // Outages are short and far apart: two that this device cannot tell from one would be a long one to it.
    if (now >= this.#outageUntil + 6 * DAY && this.#random.chance(0.02))
      this.#outageUntil = now + this.#random.between(HOUR, 18 * HOUR);
    for (const { certificates } of [this.#device])
      for (const { record } of certificates)
        await this.#tell({
          type: "own-key",
          at: this.#clock(),
          client: this.#device.client,
          spkiHash: Buffer.from(record.spkiHash).toString("hex"),
        });
    await this.#readOwn();
    const contacts = await this.#readGroups();
    const open = new Set(this.detector.findings().flatMap(({ life, user }) => (life === "pending" ? [user] : [])));
    for (const user of contacts)
      if (user !== this.#user && (open.has(user.uri) || this.#random.chance(0.3))) await this.#read(user);
    await this.#tell({ type: "tick", at: this.#clock() });
  }

  #clock(): number {
    return this.#world.now + this.#skew;
  }

  async #readGroups(): Promise<Set<User>> {
    const users = new Set<User>();
    for (const group of this.#world.groups) {
      if (!group.leaves.some((member) => member?.device === this.#device)) continue;
      for (const member of group.leaves) if (member !== undefined) users.add(member.user);
      const last = this.#seenEpochs.get(group.name) ?? group.epoch - 1;
      for (let epoch = Math.min(last + 1, group.epoch); epoch <= group.epoch; epoch++) {
        const members = group.history.get(epoch) ?? [];
        const leaves = members.flatMap((member, i) => (member === undefined ? [] : [sighted(member, i)]));
        const current = epoch === group.epoch;
        await this.#tell({ type: "tree", at: this.#clock(), group: group.name, epoch, current, leaves });
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
      await this.#tell({
        type: "device-list",
        at: this.#clock(),
        user: uri,
        version: this.#ownVersions,
        value,
        provenAt: loggedAt,
      });
    }
    await this.#read(this.#user);
  }

  async #read(user: User): Promise<void> {
    const { now } = this.#world;
    const late = this.#random.chance(0.1) ? 900 : 30;
    const answer = now < this.#outageUntil ? undefined : this.lookup(user, now - this.#random.between(0, late));
    const at = this.#clock();
    if (answer === undefined) await this.#tell({ type: "log-unavailable", at, user: user.uri });
    else await this.#tell({ type: "device-list", at, user: user.uri, ...answer });
  }

  async #tell(event: GhostEvent): Promise<void> {
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
