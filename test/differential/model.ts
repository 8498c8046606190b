import type { Signer, Suite, VrfEvaluation, VrfPrivateKey } from "@mls-as/keytrans";
import { baseLadder, monitoringLadder, searchLadder } from "./ladders.js";
import { children, frontier, type Leaf, logLeaf, logNode, pathTo, prefixNode, prefixProof } from "./naive-trees.js";
import { Recording } from "./recording.js";
import { Refusal } from "./refusal.js";
import { hex, join, opaque, optional, uint, vector } from "./wire.js";

/** A log entry with the whole prefix tree as it then was. */
export interface ModelEntry {
  readonly timestamp: number;
  readonly leaves: readonly Leaf[];
  readonly prefixRoot: Uint8Array;
  readonly leafHash: Uint8Array;
}

/** One version of a label; `value` is missing for a version that was skipped. */
export interface ModelVersion {
  readonly position: number;
  readonly commitment: Uint8Array;
  readonly opening?: Uint8Array;
  readonly value?: Uint8Array;
  readonly suffix?: Uint8Array;
}

export type Mode = "contactMonitoring" | "thirdPartyManagement" | "thirdPartyAuditing";

export interface ModelOptions {
  readonly suite: Suite;
  readonly mode: Mode;
  /** The encoded `Configuration`. */
  readonly configuration: Uint8Array;
  /** Reasonable monitoring window, milliseconds. */
  readonly window: number;
  readonly maximumLifetime: number | undefined;
  readonly vrfKey: VrfPrivateKey;
  readonly signer: Signer;
  /** How many of the rightmost distinguished log entries are recent. */
  readonly recent: number;
  /** Most binary ladders of an owner monitoring response. */
  readonly pageSize: number;
}

export interface MapEntry {
  readonly position: number;
  readonly version: number;
}
export interface NewVersion {
  readonly opening: Uint8Array;
  readonly value: Uint8Array;
  readonly suffix?: Uint8Array;
}

/**
 * A Transparency Log by the letter of the draft and without any thrift: whole trees in memory, everything computed anew for
 * every answer. It exists to be compared with the prover and shares nothing with it but the cipher suite.
 */
export class ModelLog {
  readonly entries: ModelEntry[] = [];
  readonly suite: Suite;
  readonly window: number;
  readonly maximumLifetime: number | undefined;
  auditorSize: number | undefined;
  auditorHead: Uint8Array | undefined;
  readonly #labels = new Map<string, ModelVersion[]>();
  readonly #evaluations = new Map<string, VrfEvaluation>();
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.suite = options.suite;
    this.window = options.window;
    this.maximumLifetime = options.maximumLifetime;
  }

  get size(): number {
    return this.entries.length;
  }

  versions(label: Uint8Array): readonly ModelVersion[] {
    return this.#labels.get(hex(label)) ?? [];
  }

  greatestAt(label: Uint8Array, position: number): number | undefined {
    const count = this.versions(label).filter((version) => version.position <= position).length;
    return count === 0 ? undefined : count - 1;
  }

  evaluate(label: Uint8Array, version: number): VrfEvaluation {
    const input = join(opaque(label, 1), uint(version, 4));
    const known = this.#evaluations.get(hex(input)) ?? this.#options.vrfKey.prove(input);
    this.#evaluations.set(hex(input), known);
    return known;
  }

  searchKey(label: Uint8Array, version: number): Uint8Array {
    return this.evaluate(label, version).output;
  }

  #updateValue(value: Uint8Array, suffix: Uint8Array | undefined): Uint8Array {
    return join(opaque(value, 4), this.#suffix(suffix));
  }

  #suffix(suffix: Uint8Array | undefined): Uint8Array {
    return this.#options.mode === "thirdPartyManagement" ? opaque(suffix ?? new Uint8Array(), 2) : new Uint8Array();
  }

  /** Adds a log entry. @returns the encoded `AuditorUpdate` that goes with it */
  append(
    timestamp: number,
    changes: readonly { label: Uint8Array; skipped: number; versions: readonly NewVersion[] }[],
  ): Uint8Array {
    const position = this.entries.length;
    const before = this.entries.at(-1)?.leaves ?? [];
    const added: Leaf[] = [];
    for (const { label, skipped, versions } of changes) {
      const list = [...this.versions(label)];
      const add = (version: ModelVersion): void => {
        added.push({ key: this.searchKey(label, list.length), commitment: version.commitment });
        list.push(version);
      };
      for (let i = 0; i < skipped; i++) add({ position, commitment: new Uint8Array(32) });
      for (const { opening, value, suffix } of versions) {
        const update = this.#updateValue(value, suffix);
        const commitment = this.suite.commitment(opening, label, list.length, update);
        add({ position, commitment, opening, value, ...(suffix === undefined ? {} : { suffix }) });
      }
      this.#labels.set(hex(label), list);
    }
    const leaves = [...before, ...added];
    const prefixRoot = prefixNode(this.suite.hash, leaves);
    this.entries.push({ timestamp, leaves, prefixRoot, leafHash: logLeaf(this.suite.hash, timestamp, prefixRoot) });
    const sorted = added.toSorted((a, b) => Buffer.compare(a.key, b.key));
    return join(
      uint(timestamp, 8),
      vector(
        sorted.map(({ key, commitment }) => join(key, commitment)),
        2,
      ),
      vector([], 2),
      prefixProof(
        this.suite.hash,
        before,
        sorted.map(({ key }) => key),
      ),
    );
  }

  root(size: number): Uint8Array {
    const leaves = this.entries.map(({ leafHash }) => leafHash);
    return logNode(this.suite.hash, leaves, 0, size);
  }

  async treeHead(): Promise<Uint8Array> {
    const tbs = join(this.#options.configuration, uint(this.size, 8), this.root(this.size));
    return join(uint(this.size, 8), opaque(await this.#options.signer.sign(tbs), 2));
  }

  async #fullTreeHead(last: number | undefined): Promise<Uint8Array> {
    if (last !== undefined && (last < 1 || last > this.size)) throw new Refusal("last");
    if (last === this.size) return uint(1, 1);
    return join(uint(2, 1), await this.treeHead(), this.auditorHead ?? new Uint8Array());
  }

  /** A `BinaryLadderStep`; the commitment is there when `shown`. */
  #step(label: Uint8Array, version: number, shown: boolean): Uint8Array {
    const commitment = shown ? (this.versions(label)[version] as ModelVersion).commitment : undefined;
    return join(this.evaluate(label, version).proof, optional(commitment));
  }

  async search(request: { last?: number; label: Uint8Array; version?: number }): Promise<Uint8Array> {
    const { last, label } = request;
    const head = await this.#fullTreeHead(last);
    const greatest = this.greatestAt(label, this.size - 1);
    const target = request.version ?? greatest;
    if (greatest === undefined || target === undefined || target > greatest) throw new Refusal("no such version");
    const found = this.versions(label)[target] as ModelVersion;
    const recording = new Recording(this, this.size, last);
    if (request.version === undefined) this.#greatestVersionSearch(recording, label, target);
    else this.#fixedVersionSearch(recording, label, target);
    if (found.opening === undefined || found.value === undefined) throw new Refusal("no value");
    const steps = baseLadder(target).map((version) =>
      this.#step(label, version, version <= greatest && version !== target),
    );
    return join(
      head,
      request.version === undefined ? uint(target, 4) : new Uint8Array(),
      found.opening,
      this.#updateValue(found.value, found.suffix),
      vector(steps, 1),
      recording.finish(),
    );
  }

  #searchLadderAt(recording: Recording, label: Uint8Array, position: number, target: number): number[] {
    const ladder = searchLadder(target, this.greatestAt(label, position));
    recording.lookUp(label, position, recording.notRedundant(position, ladder));
    return ladder;
  }

  /** "Greatest-Version Search". */
  #greatestVersionSearch(recording: Recording, label: Uint8Array, target: number): void {
    const line = frontier(recording.size);
    const start = line.findLastIndex((position) => recording.distinguished(position));
    for (const position of line.slice(Math.max(0, start))) this.#searchLadderAt(recording, label, position, target);
  }

  /** "Fixed-Version Search". */
  #fixedVersionSearch(recording: Recording, label: Uint8Array, target: number): void {
    const inspected: number[] = [];
    let expiredSeen = false;
    let leftmostGreater: number | undefined;
    let position: number | undefined = frontier(recording.size)[0];
    while (position !== undefined) {
      recording.timestamp(position);
      const { left, right }: { left: number | undefined; right: number | undefined } = children(
        position,
        recording.size,
      );
      if (recording.expired(position)) {
        expiredSeen = true;
        position = right;
        continue;
      }
      inspected.push(position);
      this.#searchLadderAt(recording, label, position, target);
      const greatest = this.greatestAt(label, position);
      if (greatest === target) {
        const path = pathTo(position, recording.size);
        const here = position;
        if (!path.some((step) => recording.expired(step))) return;
        const checked = path.some((step) => step <= here && !recording.expired(step) && recording.distinguished(step));
        if (!checked) throw new Refusal("expired");
        return;
      }
      if (greatest === undefined || greatest < target) position = right;
      else {
        if (leftmostGreater === undefined || position < leftmostGreater) leftmostGreater = position;
        position = left;
      }
    }
    if (leftmostGreater === undefined) throw new Refusal("no such version");
    const found = leftmostGreater;
    if (expiredSeen && !inspected.some((step) => step < found && recording.distinguished(step)))
      throw new Refusal("expired");
    if ((this.greatestAt(label, found) ?? -1) < target) throw new Refusal("no such version");
    recording.lookUp(label, found, [target]);
  }

  #checkMap(label: Uint8Array, entries: readonly MapEntry[]): void {
    for (const [i, { position, version }] of entries.entries()) {
      const known = this.versions(label)[version];
      const before = entries[i - 1];
      if (before !== undefined && before.position >= position) throw new Refusal("entries");
      if (entries.some((other, j) => j !== i && other.version === version)) throw new Refusal("entries");
      if (known === undefined || position >= this.size) throw new Refusal("entries");
      if (position < known.position || !pathTo(known.position, this.size).includes(position))
        throw new Refusal("entries");
    }
  }

  /** "Contact Algorithm"; `ownerStart` is set when an owner runs it. */
  #contactAlgorithm(recording: Recording, label: Uint8Array, entries: readonly MapEntry[], ownerStart?: number): void {
    const provided = new Map<number, number>();
    for (const { position, version } of entries.toReversed()) {
      if (recording.distinguished(position)) continue;
      const list: number[] = [];
      for (const step of pathTo(position, recording.size).toReversed().slice(1)) {
        if (step < position) continue;
        const final = recording.distinguished(step);
        if (!(final && ownerStart !== undefined && position >= ownerStart)) list.push(step);
        if (final) break;
      }
      for (const step of list) {
        const earlier = provided.get(step);
        if (earlier !== undefined && earlier <= version) throw new Refusal("entries");
        if (earlier !== undefined) break;
        recording.lookUp(label, step, monitoringLadder(version));
        provided.set(step, version);
      }
    }
  }

  async contactMonitor(request: {
    last?: number;
    label: Uint8Array;
    entries: readonly MapEntry[];
  }): Promise<Uint8Array> {
    const head = await this.#fullTreeHead(request.last);
    this.#checkMap(request.label, request.entries);
    const recording = new Recording(this, this.size, request.last);
    this.#contactAlgorithm(recording, request.label, request.entries);
    return join(head, recording.finish());
  }

  /** "Owner Algorithm", the first. */
  async ownerInit(request: { last?: number; label: Uint8Array; start: number }): Promise<Uint8Array> {
    const { last, label, start } = request;
    const head = await this.#fullTreeHead(last);
    if (start >= this.size) throw new Refusal("start");
    const recording = new Recording(this, this.size, last);
    const path = pathTo(start, this.size);
    if (!recording.distinguished(start)) throw new Refusal("start");
    recording.timestamp(start);
    if (recording.expired(start)) throw new Refusal("start");
    const list = [start];
    for (const step of path.toReversed().slice(1)) {
      if (step > start) continue;
      if (recording.expired(step)) break;
      list.push(step);
    }
    const greatest = list
      .map((position) => this.greatestAt(label, position))
      .filter((version) => version !== undefined);
    const looked = new Set([0]);
    for (const version of greatest) for (const lookup of baseLadder(version)) looked.add(lookup);
    for (const position of list) {
      const version = this.greatestAt(label, position);
      recording.lookUp(label, position, searchLadder(version ?? 0, version));
    }
    const known = greatest[0] ?? -1;
    return join(
      head,
      vector(
        greatest.map((version) => uint(version, 4)),
        1,
      ),
      vector(
        [...looked].sort((a, b) => a - b).map((version) => this.#step(label, version, version <= known)),
        2,
      ),
      recording.finish(),
    );
  }

  /** "Owner Algorithm", the second, after the contact algorithm. */
  async ownerMonitor(request: {
    last?: number;
    label: Uint8Array;
    entries: readonly MapEntry[];
    start: number;
    greatestVersion?: number;
  }): Promise<Uint8Array> {
    const { last, label, start, greatestVersion } = request;
    const head = await this.#fullTreeHead(last);
    this.#checkMap(label, request.entries);
    if (start >= this.size) throw new Refusal("start");
    if ((greatestVersion ?? -1) > (this.greatestAt(label, this.size - 1) ?? -1)) throw new Refusal("greatest_version");
    if ((greatestVersion ?? -1) < (this.greatestAt(label, start) ?? -1)) throw new Refusal("greatest_version");
    const recording = new Recording(this, this.size, last);
    this.#contactAlgorithm(recording, label, request.entries, start);
    const limit = recording.proofCount + this.#options.pageSize;
    let stopped = false;
    const walk = (position: number): void => {
      if (!recording.distinguished(position)) return;
      const { left, right } = children(position, this.size);
      const recurse = (child: number | undefined): void => {
        if (child === undefined) return;
        recording.timestamp(position);
        walk(child);
      };
      if (position <= start) {
        recurse(right);
        return;
      }
      recurse(left);
      const version = this.greatestAt(label, position);
      stopped ||= (version ?? -1) > (greatestVersion ?? -1) || recording.proofCount >= limit;
      if (stopped) return;
      recording.lookUp(label, position, searchLadder(version ?? 0, version));
      recurse(right);
    };
    walk(frontier(this.size)[0] as number);
    return join(head, recording.finish());
  }

  /** The `UpdateResponse` for the versions after `greatestVersion`; `created` when they are the request's own. */
  async update(request: {
    last?: number;
    label: Uint8Array;
    greatestVersion?: number;
    created: boolean;
  }): Promise<Uint8Array> {
    const { last, label } = request;
    const head = await this.#fullTreeHead(last);
    const previous = request.greatestVersion;
    const first = previous === undefined ? 0 : previous + 1;
    const position = this.versions(label)[first]?.position;
    if (position === undefined) throw new Refusal("nothing to update");
    const fresh = this.versions(label).flatMap((version, index) =>
      index >= first && version.position === position ? [index] : [],
    );
    const greatest = fresh.at(-1) as number;
    const recording = new Recording(this, this.size, last);
    this.#updateAlgorithm(recording, label, previous, fresh, position);
    const real = fresh
      .map((index) => this.versions(label)[index] as ModelVersion)
      .filter(({ value }) => value !== undefined);
    const looked = new Set([...baseLadder(greatest), ...(fresh.length > 1 ? fresh : [])]);
    for (const version of previous === undefined ? [0] : baseLadder(previous)) looked.delete(version);
    return join(
      head,
      uint(position, 8),
      this.#options.mode === "thirdPartyManagement" ? uint(fresh.length - real.length, 4) : new Uint8Array(),
      vector(request.created ? [] : real.map(({ value }) => opaque(value as Uint8Array, 4)), 1),
      vector(
        real.map(({ opening, suffix }) => join(opening as Uint8Array, this.#suffix(suffix))),
        1,
      ),
      vector(
        [...looked].sort((a, b) => a - b).map((version) => this.#step(label, version, version < (previous ?? 0))),
        1,
      ),
      recording.finish(),
    );
  }

  /** "Updating a Label", "Algorithm". */
  #updateAlgorithm(
    recording: Recording,
    label: Uint8Array,
    previous: number | undefined,
    fresh: readonly number[],
    position: number,
  ): void {
    const before = previous === undefined ? undefined : (this.versions(label)[previous] as ModelVersion).position;
    const line = position === 0 ? [] : frontier(position);
    const distinguished = line.filter((step) => recording.distinguished(step));
    const rest = line.slice(distinguished.length);
    const target = previous ?? 0;
    // A greatest-version search of the previous tree would begin at its rightmost distinguished log entry. Where every
    // entry of the frontier is distinguished there is no search, and so nothing that it would let omit.
    const origin = distinguished.at(-1);
    if (origin !== undefined && rest.length > 0)
      recording.remember(label, origin, searchLadder(target, this.greatestAt(label, origin)));
    for (const step of rest) {
      const ladder = searchLadder(target, this.greatestAt(label, step));
      const wanted = recording.notRedundant(step, ladder);
      if (before !== undefined && step <= before) recording.remember(label, step, ladder);
      else recording.lookUp(label, step, wanted);
    }
    const greatest = fresh.at(-1) as number;
    const ladder = baseLadder(greatest);
    const extra = fresh.filter((version) => !ladder.includes(version));
    if (!recording.distinguished(position)) recording.lookUp(label, position, recording.notRedundant(position, ladder));
    if (extra.length > 0) recording.lookUp(label, position, extra);
  }

  /** "Credentials": a greatest-version search for someone else, relying on the distinguished entry at `position`. */
  async credential(request: { label: Uint8Array; position?: number }): Promise<Uint8Array> {
    const { label } = request;
    const whole = new Recording(this, this.size, undefined);
    const all = this.entries.map((_, index) => index);
    const position = request.position ?? all.findLast((index) => whole.distinguished(index));
    const version = this.greatestAt(label, this.size - 1);
    if (version === undefined || position === undefined || position >= this.size)
      throw new Refusal("position or label");
    if (!whole.distinguished(position) || whole.expired(position)) throw new Refusal("position");
    const { opening, value, suffix } = this.versions(label)[version] as ModelVersion;
    if (opening === undefined || value === undefined) throw new Refusal("no value");
    const common = join(
      opaque(label, 1),
      uint(version, 4),
      opening,
      this.#updateValue(value, suffix),
      vector(
        baseLadder(version).map((step) => this.#step(label, step, step < version)),
        1,
      ),
      uint(position, 8),
    );
    if (this.greatestAt(label, position) === version) {
      const keys = searchLadder(version, version).map((step) => this.searchKey(label, step));
      const { leaves } = this.entries[position] as ModelEntry;
      return join(common, uint(1, 1), prefixProof(this.suite.hash, leaves, keys));
    }
    const recording = new Recording(this, this.size, position + 1);
    this.#greatestVersionSearch(recording, label, version);
    return join(common, uint(2, 1), await this.treeHead(), recording.finish(false));
  }

  /** "Provisional": from the terminal entry of a credential's search to the first distinguished entry right of it. */
  async credentialUpdate(request: {
    label: Uint8Array;
    version: number;
    position: number;
    treeSize: number;
  }): Promise<Uint8Array> {
    const { label, version, position, treeSize } = request;
    if (treeSize > this.size || position >= treeSize) throw new Refusal("no such tree");
    if ((this.greatestAt(label, position) ?? -1) < version) throw new Refusal("version");
    const whole = new Recording(this, this.size, undefined);
    if (whole.distinguished(position)) throw new Refusal("needs no update");
    const target = this.entries.findIndex((_, index) => index > position && whole.distinguished(index));
    if (target < treeSize) throw new Refusal("no distinguished entry yet");
    const recording = new Recording(this, target + 1, treeSize);
    if (this.#options.mode === "contactMonitoring") this.#contactAlgorithm(recording, label, [{ position, version }]);
    return recording.finish(false);
  }

  /** "Walking Distinguished Heads". */
  async distinguished(request: { last?: number; stop?: number }): Promise<Uint8Array> {
    const head = await this.#fullTreeHead(request.last);
    const recording = new Recording(this, this.size, request.last);
    let passed = 0;
    const walk = (position: number): void => {
      if (!recording.distinguished(position)) return;
      recording.timestamp(position);
      const { left, right } = children(position, this.size);
      if (right !== undefined) walk(right);
      if (request.stop !== undefined && position <= request.stop) return;
      if (passed >= this.#options.recent || recording.expired(position)) return;
      passed++;
      if (left !== undefined) walk(left);
    };
    walk(frontier(this.size)[0] as number);
    return join(head, recording.finish());
  }
}
