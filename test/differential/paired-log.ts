import { type Configuration, nobleSuite, type Signer, type Suite, type SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { createProver, MemoryStore, type Prover, sequence, type SequenceContext } from "@mls-as/keytrans/prover";
import { type Mode, ModelLog, type NewVersion } from "./model.js";
import { hex, join, opaque, optional, uint, vector } from "./wire.js";

/** Numbers from a seed (mulberry32), so that a failing history can be played again. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

export interface PairedOptions {
  readonly id: SuiteId;
  readonly mode: Mode;
  readonly window: number;
  readonly maximumLifetime?: number;
  readonly recent?: number;
  readonly pageSize?: number;
  readonly seed: number;
  /** Instead of the fast provider of `id`: the keyed hashes, for histories longer than curves allow. */
  readonly suite?: Suite;
  /** `auditor_start_pos`; 0. */
  readonly auditorStart?: number;
}

export interface LabelUpdate {
  readonly label: Uint8Array;
  readonly values: readonly Uint8Array[];
  /** Versions to skip first (third-party management). */
  readonly skipped?: number;
}

function encodeConfiguration(c: Configuration): Uint8Array {
  const modes = { contactMonitoring: 1, thirdPartyManagement: 2, thirdPartyAuditing: 3 } as const;
  return join(
    uint(c.ciphersuite, 2),
    uint(modes[c.mode], 1),
    opaque(c.signaturePublicKey, 2),
    opaque(c.vrfPublicKey, 2),
    c.mode === "thirdPartyManagement" ? opaque(c.leafPublicKey, 2) : new Uint8Array(),
    c.mode === "thirdPartyAuditing"
      ? join(uint(c.maxAuditorLag, 8), uint(c.auditorStartPos, 8), opaque(c.auditorPublicKey, 2))
      : new Uint8Array(),
    uint(c.maxAhead, 8),
    uint(c.maxBehind, 8),
    uint(c.reasonableMonitoringWindow, 8),
    optional(c.maximumLifetime === undefined ? undefined : uint(c.maximumLifetime, 8)),
  );
}

/** The same log twice: in the prover's store and in the model. */
export class PairedLog {
  readonly dice: Dice;
  readonly model: ModelLog;
  readonly store: MemoryStore;
  readonly prover: Prover;
  readonly configuration: Configuration;
  readonly suite: Suite;
  readonly leafSigner: Signer;
  readonly auditorSigner: Signer;
  /** What the auditor is told of each log entry. */
  readonly auditorUpdates: Uint8Array[] = [];
  readonly #context: SequenceContext;
  readonly #encodedConfiguration: Uint8Array;

  private constructor(suite: Suite, options: PairedOptions) {
    this.suite = suite;
    this.dice = new Dice(options.seed);
    // P-256 signatures must come out the same twice: the reference signs without randomness.
    const reference = options.suite ?? nobleSuite(options.id);
    const random = (length: number): Uint8Array => this.dice.bytes(length);
    const signer = reference.importSigner(reference.generatePrivateKey(random));
    this.leafSigner = reference.importSigner(reference.generatePrivateKey(random));
    this.auditorSigner = reference.importSigner(reference.generatePrivateKey(random));
    const vrfPrivateKey = suite.importVrfPrivateKey(suite.generatePrivateKey(random));
    const common = {
      ciphersuite: options.id,
      signaturePublicKey: signer.publicKey,
      vrfPublicKey: vrfPrivateKey.publicKey,
      maxAhead: 10_000n,
      maxBehind: 10_000_000n,
      reasonableMonitoringWindow: BigInt(options.window),
      maximumLifetime: options.maximumLifetime === undefined ? undefined : BigInt(options.maximumLifetime),
    };
    this.configuration =
      options.mode === "contactMonitoring"
        ? { ...common, mode: options.mode }
        : options.mode === "thirdPartyManagement"
          ? { ...common, mode: options.mode, leafPublicKey: this.leafSigner.publicKey }
          : {
              ...common,
              mode: options.mode,
              maxAuditorLag: 1_000_000n,
              auditorStartPos: BigInt(options.auditorStart ?? 0),
              auditorPublicKey: this.auditorSigner.publicKey,
            };
    this.store = new MemoryStore();
    const recent = options.recent ?? 7;
    const pageSize = options.pageSize ?? 25;
    this.#context = { suite, configuration: this.configuration, vrfPrivateKey, signer, random, store: this.store };
    this.prover = createProver({
      suite,
      configuration: this.configuration,
      vrfPrivateKey,
      store: this.store,
      recent,
      pageSize,
    });
    this.#encodedConfiguration = encodeConfiguration(this.configuration);
    this.model = new ModelLog({
      suite,
      mode: options.mode,
      configuration: this.#encodedConfiguration,
      window: options.window,
      maximumLifetime: options.maximumLifetime,
      vrfKey: vrfPrivateKey,
      signer,
      recent,
      pageSize,
    });
  }

  static async create(options: PairedOptions): Promise<PairedLog> {
    return new PairedLog(options.suite ?? (await nodeSuite(options.id)), options);
  }

  /** The operator's signature on a value, in third-party management. Draft, "Update Format". */
  async #suffix(label: Uint8Array, version: number, value: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.configuration.mode !== "thirdPartyManagement") return undefined;
    return this.leafSigner.sign(join(this.#encodedConfiguration, opaque(label, 1), uint(version, 4), opaque(value, 4)));
  }

  /** Adds one log entry to both. @throws Error when they differ in what they wrote */
  async append(timestamp: number, updates: readonly LabelUpdate[]): Promise<void> {
    const changes = [];
    for (const { label, values, skipped = 0 } of updates) {
      const greatest = this.model.greatestAt(label, this.model.size - 1);
      const first = (greatest ?? -1) + 1 + skipped;
      const signed = [];
      for (const [i, value] of values.entries()) {
        const suffix = await this.#suffix(label, first + i, value);
        signed.push({ value, ...(suffix === undefined ? {} : { suffix }) });
      }
      changes.push({
        label,
        greatestVersion: greatest,
        values: signed,
        ...(this.configuration.mode === "thirdPartyManagement" ? { signedVersion: first } : {}),
      });
    }
    const { writes, rejected } = await sequence(this.#context, changes, timestamp);
    if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`);
    this.store.apply(writes);
    const audit = this.model.append(
      timestamp,
      changes.map(({ label, values, greatestVersion, signedVersion }) => ({
        label,
        skipped: signedVersion === undefined ? 0 : signedVersion - (greatestVersion ?? -1) - 1,
        versions: values.map(({ value }): NewVersion => {
          const row = writes.openings.find(
            (opening) => hex(opening.label) === hex(label) && hex(opening.value) === hex(value),
          );
          if (row === undefined) throw new Error("no opening was stored");
          return { opening: row.opening, value, ...(row.suffix === undefined ? {} : { suffix: row.suffix }) };
        }),
      })),
    );
    this.auditorUpdates.push(audit);
    if (writes.auditorUpdate !== undefined && hex(writes.auditorUpdate) !== hex(audit))
      throw new Error(
        `AuditorUpdate of entry ${writes.position}: ${hex(writes.auditorUpdate)} instead of ${hex(audit)}`,
      );
    if (this.configuration.mode === "thirdPartyAuditing" && writes.auditorUpdate === undefined)
      throw new Error("no AuditorUpdate");
    if (hex(writes.head.root) !== hex(this.model.root(this.model.size))) throw new Error("the roots differ");
  }

  /** The auditor signs the newest entry; both logs hold its head from now on. */
  async audit(): Promise<void> {
    const { model } = this;
    const timestamp = model.entries[model.size - 1]?.timestamp as number;
    const tbs = join(this.#encodedConfiguration, uint(timestamp, 8), uint(model.size, 8), model.root(model.size));
    const signature = await this.auditorSigner.sign(tbs);
    model.auditorSize = model.size;
    model.auditorHead = join(uint(timestamp, 8), uint(model.size, 8), opaque(signature, 2));
    this.store.setAuditorTreeHead(model.auditorHead);
  }

  readonly requests = {
    search: (r: { last?: number; label: Uint8Array; version?: number }): Uint8Array =>
      join(size(r.last), opaque(r.label, 1), optional(r.version === undefined ? undefined : uint(r.version, 4))),
    contactMonitor: (r: {
      last?: number;
      label: Uint8Array;
      entries: readonly { position: number; version: number }[];
    }): Uint8Array => join(size(r.last), opaque(r.label, 1), monitorMap(r.entries)),
    ownerInit: (r: { last?: number; label: Uint8Array; start: number }): Uint8Array =>
      join(size(r.last), opaque(r.label, 1), uint(r.start, 8)),
    ownerMonitor: (r: {
      last?: number;
      label: Uint8Array;
      entries: readonly { position: number; version: number }[];
      start: number;
      greatestVersion?: number;
    }): Uint8Array =>
      join(
        size(r.last),
        opaque(r.label, 1),
        monitorMap(r.entries),
        uint(r.start, 8),
        optional(r.greatestVersion === undefined ? undefined : uint(r.greatestVersion, 4)),
      ),
    update: (r: {
      last?: number;
      label: Uint8Array;
      greatestVersion?: number;
      values: readonly Uint8Array[];
    }): Uint8Array =>
      join(
        size(r.last),
        opaque(r.label, 1),
        optional(r.greatestVersion === undefined ? undefined : uint(r.greatestVersion, 4)),
        vector(
          r.values.map((value) => opaque(value, 4)),
          1,
        ),
      ),
    managerUpdate: async (r: {
      last?: number;
      label: Uint8Array;
      greatestVersion?: number;
      values: readonly Uint8Array[];
      signedVersion: number;
    }): Promise<Uint8Array> => {
      const signed: Uint8Array[] = [];
      for (const [i, value] of r.values.entries()) {
        const signature = await this.#suffix(r.label, r.signedVersion + i, value);
        signed.push(join(opaque(value, 4), opaque(signature as Uint8Array, 2)));
      }
      return join(
        size(r.last),
        opaque(r.label, 1),
        optional(r.greatestVersion === undefined ? undefined : uint(r.greatestVersion, 4)),
        vector(signed, 1),
        uint(r.signedVersion, 4),
      );
    },
    distinguished: (r: { last?: number; stop?: number }): Uint8Array => join(size(r.last), size(r.stop)),
    credential: (r: { label: Uint8Array; position?: number }): Uint8Array => join(opaque(r.label, 1), size(r.position)),
    credentialUpdate: (r: { label: Uint8Array; version: number; position: number; treeSize: number }): Uint8Array =>
      join(opaque(r.label, 1), uint(r.version, 4), uint(r.position, 8), uint(r.treeSize, 8)),
  };
}

const size = (value: number | undefined): Uint8Array => optional(value === undefined ? undefined : uint(value, 8));
const monitorMap = (entries: readonly { position: number; version: number }[]): Uint8Array =>
  vector(
    entries.map(({ position, version }) => join(uint(position, 8), uint(version, 4))),
    1,
  );
