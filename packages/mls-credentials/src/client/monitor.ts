import { type ClientState, labelState, labelsToMonitor } from "@mls-as/keytrans/client";
import { LogClientError, type StateStore } from "@mls-as/kt-client";
import type { CryptoProvider } from "@mls-as/mls-core";
import {
  decode,
  encode,
  equalBytes,
  type Infer,
  opaque,
  optional,
  struct,
  uint16,
  uint32,
  vector,
} from "@mls-as/tls-codec";
import type { AuthPin } from "../auth-pins.js";
import { bytesKey } from "../bytes-key.js";
import {
  type Alert,
  AlertQueue,
  type AlertSchedule,
  type GhostEvent,
  GhostDetector,
  type Observation,
} from "../ghost/index.js";
import { identityBytes } from "../identity/identity-uri.js";
import type { ClientKey } from "../own-devices.js";
import type { PreparedPolicy } from "../prepared-policy.js";
import { accusations } from "./accusations.js";
import { ClientError } from "./client-error.js";
import { type LogClient, type ProvenList, signedHead } from "./log-client.js";

export interface MonitorOptions {
  /** This device's user. */
  readonly user: string;
  /** This device's own keys, and those that the user confirmed on it. */
  readonly ownKeys: readonly ClientKey[];
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  /** The log; its own view is in its own store. */
  readonly lists: LogClient;
  readonly store: StateStore;
  /** The version with which this device enrolled: its user's versions are read from there on. Default: the newest. */
  readonly since?: number;
  readonly schedule?: AlertSchedule;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a round of looking, or an event, brought. */
export interface MonitorReport {
  readonly observations: readonly Observation[];
  /** What people are to be told now. */
  readonly alerts: readonly Alert[];
  /** Answers of the log that did not verify: never an accident. */
  readonly incidents: readonly (LogClientError | ClientError)[];
}

/** A head for others to compare with theirs. */
export interface GossipHead {
  readonly logId: string;
  readonly position: number;
  readonly root: string;
}

/** Answers to one round of owner monitoring, each of them progress that the log proves. */
const OWNER_STEPS = 1000;
const FORMAT = 2;
const MAX = 2 ** 32 - 1;
const Stored = struct({
  format: uint16,
  read: optional(uint32),
  withheld: vector(uint32, 0, MAX),
  detector: opaque(0, MAX),
  alerts: opaque(0, MAX),
});
/** What a log says of a value that it does not have any more. Nothing proves it. */
const GONE: ReadonlySet<string> = new Set(["value-deleted", "version-expired"]);

/**
 * Watches over a device's user and contacts: asks the log, shows the ghost detector what it says, monitors what was looked
 * up, and turns findings into alerts. Everything that was seen is stored before it is told; a round that was cut off is
 * made again.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  #detector: GhostDetector;
  #alerts: AlertQueue;
  /** The newest version of the user's own list that was read, with all before it. */
  #read: number | undefined;
  /** Versions before that one that the log does not give out. */
  #withheld: readonly number[] = [];
  #revision: string | undefined;
  /** The state as it was last stored. */
  #saved: Uint8Array;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: MonitorOptions, detector: GhostDetector, alerts: AlertQueue) {
    this.#options = options;
    this.#detector = detector;
    this.#alerts = alerts;
    this.#saved = this.#encode();
  }

  /** @throws ClientError `invalid-state`, GhostStateError, LogClientError of the store */
  static async open(options: MonitorOptions): Promise<Monitor> {
    const { user: self, ownKeys, policy, provider, lists, schedule } = options;
    const setting = { self, ownKeys, policy: policy.policy, provider, logId: lists.logId };
    const stored = await options.store.load();
    if (stored === undefined) return new Monitor(options, new GhostDetector(setting), new AlertQueue(schedule));
    const { read, withheld, detector, alerts } = readStored(stored.bytes);
    const restored = GhostDetector.restore(setting, detector);
    const monitor = new Monitor(options, restored, AlertQueue.restore(alerts, schedule));
    monitor.#read = read;
    monitor.#withheld = withheld;
    monitor.#revision = stored.revision;
    monitor.#saved = stored.bytes;
    return monitor;
  }

  /** Findings, own devices and the membership log. Events go through `observe`. */
  get detector(): Pick<GhostDetector, "findings" | "membership" | "own"> {
    return this.#detector;
  }

  /** When there will be something to tell, if nothing else happens. Seconds since 1970. */
  nextAlert(): number | undefined {
    return this.#alerts.nextDue();
  }

  /** Shows the detector something that the app saw: a tree, a KeyPackage, a gossiped head, a confirmation. */
  observe(event: GhostEvent): Promise<MonitorReport> {
    return this.#inTurn(async (report) => {
      await this.#tell(event, report);
    });
  }

  /** A pin out of a group, to be compared with what this device was shown. */
  observePin({ logId, position, root }: AuthPin): Promise<MonitorReport> {
    const head = { logId: bytesKey(logId), position: Number(position), root: bytesKey(root), source: "pin" };
    return this.observe({ type: "head", at: this.#now(), ...head });
  }

  /** The recent distinguished heads that this device verified, for gossip with contacts. */
  async gossip(): Promise<readonly GossipHead[]> {
    const { distinguished } = await this.#options.lists.log.state();
    const logId = bytesKey(this.#options.lists.logId);
    return distinguished.map(({ position, root }) => ({ logId, position, root: bytesKey(root) }));
  }

  /**
   * One round: all new versions of the user's own list, the lists of contacts and of whoever has an open finding, what is
   * to be monitored of earlier lookups, and the distinguished heads. To be made at start and every few hours.
   */
  round(contacts: Iterable<string>): Promise<MonitorReport> {
    return this.#inTurn(async (report) => {
      const { user } = this.#options;
      await this.#guarded(user, report, () => this.#readOwn(report));
      const open = this.#detector.findings().filter(({ life }) => life === "pending" || life === "suspect");
      const asked = new Set([...contacts, ...open.map((finding) => finding.user)].filter((each) => each !== ""));
      asked.delete(user);
      for (const contact of asked) await this.#guarded(contact, report, () => this.#readContact(contact, report));
      await this.#guarded(undefined, report, () => this.#walkHeads(report));
      await this.#tell({ type: "tick", at: this.#now() }, report);
    });
  }

  /** Versions of the user's own list that the log says it does not have any more: whatever stood in them is hidden. */
  get withheld(): readonly number[] {
    return this.#withheld;
  }

  /**
   * The user had values of their own erased, or knows why they are gone: what was withheld so far counts as silence no
   * more, and where the log refused to be monitored, ownership is taken anew from its newest distinguished entry.
   */
  acceptGaps(): Promise<MonitorReport> {
    return this.#inTurn(async (report) => {
      const { lists, user } = this.#options;
      const label = identityBytes(user);
      await this.#guarded(user, report, () =>
        lists.log.transact(async (state, connection) => {
          const reached = await this.#ownerSteps(state, label).catch((error: unknown) => {
            if (error instanceof LogClientError && error.code === "refused") return undefined;
            throw error;
          });
          return { result: undefined, state: reached ?? (await connection.ownerInit(state, { label })).state };
        }),
      );
      this.#withheld = [];
      await this.#guarded(user, report, () => this.#readOwn(report));
    });
  }

  async #readOwn(report: Report): Promise<void> {
    const { lists, user, since } = this.#options;
    const label = identityBytes(user);
    await lists.log.transact(async (state, connection) => {
      if (labelState(state, label)?.owner === undefined)
        return { result: undefined, state: (await connection.ownerInit(state, { label })).state };
      return { result: undefined, state: await this.#ownerSteps(state, label) };
    });
    const { result } = await lists.log.search({ label });
    const first = this.#read === undefined ? (since ?? result.version) : this.#read + 1;
    const unread = Array.from({ length: Math.max(0, result.version - first) }, (_, index) => first + index);
    const withheld: number[] = [];
    for (const version of [...this.#withheld, ...unread]) {
      const value = await this.#pastValue(label, version);
      if (value === undefined) withheld.push(version);
      else await this.#tell(this.#past(version, value), report);
    }
    // The newest list is read in any case, but while something is withheld it does not end the silence.
    if (withheld.length === 0) await this.#tellList(user, result, report);
    else {
      await this.#tell(this.#past(result.version, result.value), report);
      await this.#tell({ type: "log-unavailable", at: this.#now(), user }, report);
    }
    this.#read = result.version;
    this.#withheld = withheld;
  }

  /** A version of the user's own list, as one of the past: it says nothing about the present. */
  #past(version: number, value: Uint8Array): GhostEvent {
    const { user } = this.#options;
    return { type: "device-list", at: this.#now(), user, version, value, provenAt: 0, greatest: false };
  }

  /** The value of an earlier version; undefined when the log says that it is gone. */
  async #pastValue(label: Uint8Array, version: number): Promise<Uint8Array | undefined> {
    try {
      return (await this.#options.lists.log.search({ label, version })).result.value;
    } catch (error) {
      if (error instanceof LogClientError && GONE.has(error.problem?.code ?? "")) return undefined;
      throw error;
    }
  }

  /**
   * Monitors up to the rightmost distinguished entry; learns of newer versions on the way. A log that never comes to its
   * end hides something: that counts as silence, like a refusal. @throws ClientError, LogClientError
   */
  async #ownerSteps(start: ClientState, label: Uint8Array): Promise<ClientState> {
    const { connection } = this.#options.lists.log;
    let state = start;
    for (let steps = 0; steps < OWNER_STEPS; steps++) {
      const step = await connection.ownerMonitor(state, { label });
      state = step.state;
      if (step.result.complete) return state;
      if (step.result.verified.length > 0) continue;
      state = (await connection.update(state, { label, values: [] })).state;
    }
    throw new ClientError("malformed-answer", "ownerMonitor", `the log goes on after ${OWNER_STEPS} answers`);
  }

  async #readContact(user: string, report: Report): Promise<void> {
    const { log } = this.#options.lists;
    const label = identityBytes(user);
    const { result } = await log.search({ label });
    await this.#tellList(user, result, report);
    const monitored = labelsToMonitor(await log.state()).some((each) => equalBytes(each.label, label));
    if (monitored) await log.contactMonitor({ label });
  }

  /** The newest list; with a proof for others where it is new, or where somebody may have to be convinced. */
  async #tellList(
    user: string,
    found: { readonly version: number; readonly value: Uint8Array; readonly timestamp: number },
    report: Report,
  ): Promise<void> {
    const { version, value, timestamp } = found;
    const event = { type: "device-list" as const, at: this.#now(), user, version, value };
    const open = this.#detector.findings().some((each) => each.user === user && each.life !== "resolved");
    if (open || this.#detector.knownVersion(user) !== version) {
      const others = await this.#provenForOthers(user);
      if (others !== undefined && equalBytes(others.value, value)) {
        await this.#tell({ ...event, provenAt: others.provenAt, proof: others.proof }, report);
        return;
      }
    }
    await this.#tell({ ...event, provenAt: Math.floor(timestamp / 1000) }, report);
  }

  async #provenForOthers(user: string): Promise<ProvenList | undefined> {
    try {
      return await this.#options.lists.lookupForOthers(user);
    } catch (error) {
      // A value that is no device list is the detector's to report.
      if (error instanceof ClientError && error.code === "answer-not-logged") return undefined;
      throw error;
    }
  }

  async #walkHeads(report: Report): Promise<void> {
    const { log, logId } = this.#options.lists;
    await log.distinguished();
    for (const head of await this.gossip())
      await this.#tell({ type: "head", at: this.#now(), ...head, source: "distinguished" }, report);
    const head = signedHead(log, await log.state(), "lookup");
    if (head !== undefined)
      await this.#tell({ type: "head", at: this.#now(), logId: bytesKey(logId), ...head }, report);
  }

  /** Silence of the log is an event; an answer that does not verify is that and an incident, and a finding where it proves a lie. */
  async #guarded(user: string | undefined, report: Report, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LogClientError) && !(error instanceof ClientError)) throw error;
      if (isOurs(error)) throw error;
      if (error.code === "invalid-proof" || error.code === "split-view") {
        report.incidents.push(error);
        await this.#accuse(error, report);
      }
      if (user !== undefined) await this.#tell({ type: "log-unavailable", at: this.#now(), user }, report);
    }
  }

  /** What an answer proves against the log is a finding. */
  async #accuse(error: LogClientError | ClientError, report: Report): Promise<void> {
    const logId = bytesKey(this.#options.lists.logId);
    for await (const found of accusations(error, this.#options.lists.log))
      await this.#tell({ ...found, at: this.#now(), logId }, report);
  }

  async #tell(event: GhostEvent, report: Report): Promise<Observation> {
    const observation = await this.#detector.observe(event);
    report.observations.push(observation);
    report.alerts.push(...this.#alerts.offer(observation.findings, this.#now()));
    return observation;
  }

  /** One after another; what was observed is stored before anybody hears of it, and forgotten if it cannot be. */
  #inTurn(work: (report: Report) => Promise<void>): Promise<MonitorReport> {
    const turn = this.#turn.then(async () => {
      const report: Report = { observations: [], alerts: [], incidents: [] };
      try {
        await work(report);
        report.alerts.push(...this.#alerts.due(this.#now()));
        await this.#save();
      } catch (error) {
        this.#restore(this.#saved);
        throw error;
      }
      return report;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #encode(): Uint8Array {
    const [detector, alerts] = [this.#detector.snapshot(), this.#alerts.snapshot()];
    return encode(Stored, { format: FORMAT, read: this.#read, withheld: [...this.#withheld], detector, alerts });
  }

  #restore(bytes: Uint8Array): void {
    const { user: self, ownKeys, policy, provider, lists, schedule } = this.#options;
    const { read, withheld, detector, alerts } = decode(Stored, bytes);
    const setting = { self, ownKeys, policy: policy.policy, provider, logId: lists.logId };
    this.#detector = GhostDetector.restore(setting, detector);
    this.#alerts = AlertQueue.restore(alerts, schedule);
    this.#read = read;
    this.#withheld = withheld;
  }

  async #save(): Promise<void> {
    const bytes = this.#encode();
    const revision = await this.#options.store.save(bytes, this.#revision);
    if (revision === undefined) throw new ClientError("state-conflict", "store", "another process changed the state");
    this.#revision = revision;
    this.#saved = bytes;
  }

  #now(): number {
    return Math.floor((this.#options.now ?? Date.now)() / 1000);
  }
}

interface Report {
  readonly observations: Observation[];
  readonly alerts: Alert[];
  readonly incidents: (LogClientError | ClientError)[];
}

/** Failures of this device's own stores, which say nothing about the log. */
function isOurs({ code }: LogClientError | ClientError): boolean {
  return ["state-conflict", "store-failed", "invalid-state", "invalid-argument"].includes(code);
}

/** @throws ClientError `invalid-state` */
function readStored(bytes: Uint8Array): Infer<typeof Stored> {
  let stored: Infer<typeof Stored>;
  try {
    stored = decode(Stored, bytes);
  } catch (cause) {
    throw new ClientError("invalid-state", "store", "not a monitor's state", { cause });
  }
  if (stored.format !== FORMAT) throw new ClientError("invalid-state", "store", `format ${stored.format}`);
  return stored;
}
