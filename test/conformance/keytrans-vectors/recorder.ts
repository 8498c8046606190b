import { decode, encode } from "@mls-as/tls-codec";
import { Configuration, CredentialRequest, CredentialUpdateRequest, KeytransError, wireFormat } from "@mls-as/keytrans";
import { planPruning, signManagerUpdate } from "@mls-as/keytrans/prover";
import { baseLadder } from "../../differential/ladders.js";
import { type LabelUpdate, PairedLog, type PairedOptions } from "../../differential/paired-log.js";
import { frontier } from "../../differential/naive-trees.js";
import { Recording } from "../../differential/recording.js";
import { AnyOf, ClientSession, type Outcome } from "../keytrans-session.js";
import { hex, type Step, type Transcript, unhex } from "../keytrans-transcript.js";
import { tamper, tamperBytes } from "./tampering.js";

/** Thrown when a client accepted what must be refused: the vectors are not written then. */
export class AcceptedTampering extends Error {}

/** What is published of a step's result: the fields that every implementation has. */
const PUBLISHED: Readonly<Record<string, readonly string[]>> = {
  search: ["version", "value"],
  update: ["position"],
  distinguished: ["heads"],
  credential: ["version", "value", "final"],
  credentialUpdate: ["final"],
  audit: ["treeSize", "root"],
  managerUpdate: ["signedVersion", "versions"],
};

function published({ op }: Pick<Step, "op">, outcome: Outcome): Outcome {
  const fields = (PUBLISHED[op] ?? []).map((field) => {
    const value = outcome[field];
    return [field, value instanceof AnyOf ? value.ways[0] : value] as const;
  });
  return Object.fromEntries(fields);
}

type Header = Omit<Transcript, "steps" | "now"> & { readonly now: number };
type Request = Omit<Step, "expect" | "request" | "response">;

/** Plays a scenario and records it, alone or with everything that must fail before each of its steps. */
export class Recorder {
  readonly log: PairedLog;
  readonly #session: ClientSession;
  readonly #steps: Step[] = [];
  readonly #hostile: boolean;
  readonly #header: Header;
  /** Answers given so far, to be replayed where they do not belong. */
  readonly #answers: { readonly what: string; readonly op: string; readonly response: Uint8Array }[] = [];
  /** Operations with the ways in which they were tampered with: once in a transcript is enough. */
  readonly #tried = new Set<string>();
  /** Entries before this one were dropped. */
  #pruned = 0;
  now: number;

  private constructor(log: PairedLog, session: ClientSession, header: Header, hostile: boolean) {
    this.log = log;
    this.#session = session;
    this.#header = header;
    this.#hostile = hostile;
    this.now = header.now;
  }

  static async start(description: string, options: PairedOptions, hostile: boolean): Promise<Recorder> {
    const log = await PairedLog.create(options);
    const header = {
      description,
      configuration: hex(encode(Configuration, log.configuration)),
      now: 1_750_000_000_000,
      recent: options.recent ?? 7,
    };
    return new Recorder(log, await ClientSession.open(header, options.suite), header, hostile);
  }

  /** The log gets an entry, `after` milliseconds later; in third-party auditing the auditor signs when told to. */
  async grow(after: number, updates: readonly LabelUpdate[] = [], audit = true): Promise<void> {
    this.now += after;
    await this.log.append(this.now, updates);
    if (audit && this.log.configuration.mode === "thirdPartyAuditing") await this.log.audit();
  }

  /** A request by the client, answered by the log; with its tampered forms first where they are wanted. */
  async step(request: Request): Promise<void> {
    const prepared = this.#session.prepare({ ...request, expect: { ok: true } });
    const { codec, responses } = await this.#answer(request, prepared.request);
    const common = { ...request, now: this.now, request: hex(prepared.request) };
    const [first] = responses as [Uint8Array];
    if (this.#hostile) {
      for (const { reason, response } of tamper(codec, first)) {
        if (this.#unverifiable(request, first, reason) || this.#tried.has(`${request.op} ${reason}`)) continue;
        this.#tried.add(`${request.op} ${reason}`);
        await this.#mustFail({ ...common, response: hex(response), expect: { ok: false, reason } });
      }
      for (const { what, op, response } of this.#answers)
        if (op === request.op && hex(response) !== hex(first))
          await this.#mustFail({
            ...common,
            response: hex(response),
            expect: { ok: false, reason: `the answer to ${what} is replayed` },
          });
      const { maxAhead, maxBehind } = this.log.configuration;
      await this.#mustFail({
        ...common,
        now: this.now - Number(maxAhead) - 1,
        response: hex(first),
        expect: { ok: false, reason: "the rightmost log entry is further ahead of the clock than max_ahead" },
      });
      await this.#mustFail({
        ...common,
        now: this.now + Number(maxBehind) + 1,
        response: hex(first),
        expect: { ok: false, reason: "the rightmost log entry is further behind the clock than max_behind" },
      });
    }
    const response = responses.length === 1 ? hex(first) : responses.map(hex);
    const step = { ...common, response, expect: { ok: true } };
    const outcome = await this.#session.perform(step);
    this.#steps.push({ ...step, expect: { ok: true, ...published(step, outcome) } });
    this.#answers.push({
      what: `an earlier ${request.op} (step ${this.#steps.length - 1})`,
      op: request.op,
      response: first,
    });
  }

  /** A step that asks the log nothing: a credential, its update, or an auditor's update. */
  async offline(step: Omit<Step, "expect">): Promise<void> {
    const field = step.op === "credential" ? "credential" : step.op === "managerUpdate" ? "request" : "update";
    const bytes = unhex(step[field], field);
    const tampered = this.#hostile
      ? tamperBytes(step.op, bytes, wireFormat(this.log.suite, this.log.configuration))
      : [];
    for (const { reason, response } of tampered) {
      // Before the first log entry there is no time.
      if (step.op === "audit" && this.#steps.every(({ expect }) => !expect.ok) && reason.startsWith("timestamp"))
        continue;
      await this.#mustFail({ ...step, [field]: hex(response), expect: { ok: false, reason } });
    }
    const outcome = await this.#session.perform({ ...step, expect: { ok: true } });
    this.#steps.push({ ...step, expect: { ok: true, ...published(step, outcome) } });
  }

  /** An update that comes before the distinguished head it leads to is known. */
  async queued(step: Omit<Step, "expect">): Promise<void> {
    const outcome = await this.#session.perform({ ...step, expect: { ok: true } });
    if (outcome.final !== false) throw new Error("the update was not queued");
    this.#steps.push({ ...step, expect: { ok: true, ...published(step, outcome) } });
  }

  /** The log's credential for a label, relying on the rightmost distinguished log entry the client knows. */
  async credential(label: Uint8Array): Promise<string> {
    const position = this.#session.state.distinguished.at(-1)?.position;
    return hex(await this.log.prover.credential(encode(CredentialRequest, { label, position })));
  }

  async credentialUpdate(label: Uint8Array, credential: string): Promise<string> {
    const { suite, configuration, model, prover } = this.log;
    const decoded = decode(wireFormat(suite, configuration).Credential, unhex(credential, "credential"));
    if (decoded.credentialType !== "provisional") throw new Error("a standard credential needs no update");
    const { version } = decoded;
    const { treeSize } = decoded.treeHead;
    const position = frontier(treeSize).find((entry) => model.greatestAt(label, entry) === version) as number;
    const request = encode(CredentialUpdateRequest, { label, version, position, treeSize });
    return hex(await prover.credentialUpdate(request));
  }

  /** A step that must fail as it is. */
  async refused(step: Omit<Step, "expect">, reason: string): Promise<void> {
    if (this.#hostile) await this.#mustFail({ ...step, expect: { ok: false, reason } });
  }

  /**
   * What the draft gives a client no means to check with this response: the commitments of versions above the one that a
   * fixed-version search is for, and the openings of versions created in a distinguished log entry, which owner monitoring
   * verifies later.
   */
  #unverifiable(request: Request, response: Uint8Array, reason: string): boolean {
    const { model, suite, configuration } = this.log;
    if (request.op === "search") {
      const index = /^binary_ladder\[(\d+)\]\.commitment/.exec(reason)?.[1];
      const { version } = request;
      if (index === undefined || version === undefined || version === null) return false;
      return (baseLadder(version)[Number(index)] as number) > version;
    }
    if (request.op !== "update" || !/^(info\[0\]\.opening|values(\[0\])?):/.test(reason)) return false;
    const { position } = decode(wireFormat(suite, configuration).UpdateResponse, response);
    return new Recording(model, model.size, undefined).distinguished(position);
  }

  async #answer(request: Request, bytes: Uint8Array) {
    const { prover, suite, configuration } = this.log;
    const wire = wireFormat(suite, configuration);
    const one = async (codec: unknown, response: Promise<Uint8Array>) => ({
      codec: codec as Parameters<typeof tamper>[0],
      responses: [await response],
    });
    switch (request.op) {
      case "search":
        return one(
          request.version === undefined || request.version === null
            ? wire.GreatestSearchResponse
            : wire.FixedSearchResponse,
          prover.search(bytes),
        );
      case "contactMonitor":
        return one(wire.MonitorResponse, prover.contactMonitor(bytes));
      case "ownerInit":
        return one(wire.OwnerInitResponse, prover.ownerInit(bytes));
      case "ownerMonitor":
        return one(wire.MonitorResponse, prover.ownerMonitor(bytes));
      case "distinguished":
        return one(wire.DistinguishedResponse, prover.distinguished(bytes));
      case "update": {
        if (configuration.mode === "thirdPartyManagement" && (request.values ?? []).length > 0)
          return one(wire.UpdateResponse, this.#managed(request, bytes));
        const plan = await prover.planUpdate(bytes);
        if (plan.kind === "answer")
          return { codec: wire.UpdateResponse as Parameters<typeof tamper>[0], responses: plan.responses };
        const label = unhex(request.label, "label");
        await this.grow(250, [{ label, values: (request.values ?? []).map((value) => unhex(value, "values")) }]);
        return one(wire.UpdateResponse, prover.answerUpdate(bytes));
      }
      default:
        throw new Error(`the recorder cannot answer ${request.op}`);
    }
  }

  /** The operator signs and forwards an update, a version is skipped, the manager creates the rest. */
  async #managed(request: Request, update: Uint8Array): Promise<Uint8Array> {
    const { prover, model } = this.log;
    const label = unhex(request.label, "label");
    const next = (model.greatestAt(label, model.size - 1) ?? -1) + 1;
    const forwarded = await signManagerUpdate(this.log, update, next + 1);
    await this.offline({ op: "managerUpdate", update: hex(update), request: hex(forwarded) });
    const plan = await prover.planManagerUpdate(forwarded);
    if (plan.kind !== "insert") throw new Error("the update creates nothing");
    const values = (request.values ?? []).map((value) => unhex(value, "values"));
    await this.grow(250, [{ label, values, skipped: 1 }]);
    return prover.answerManagerUpdate(forwarded);
  }

  /** Drops from the store what a log with a maximum lifetime may forget. */
  async prune(): Promise<void> {
    const { store, configuration } = this.log;
    const plan = await planPruning(store, configuration, this.#pruned);
    if (plan === undefined) throw new Error("nothing has expired");
    this.#pruned = plan.firstUnexpired;
    store.prunePrefixTrees(plan.firstUnexpired);
    store.pruneEntries(plan.firstUnexpired, plan.kept);
  }

  /** From where an auditor can begin. */
  async checkpoint(): Promise<string> {
    return hex(await this.log.prover.auditorCheckpoint());
  }

  async #mustFail(step: Step): Promise<void> {
    const before = this.#session.snapshot();
    try {
      await this.#session.perform(step);
    } catch (error) {
      if (!(error instanceof KeytransError)) throw error;
      if (this.#session.snapshot() !== before)
        throw new Error(`the state changed: ${step.expect.reason}`, { cause: error });
      this.#steps.push(step);
      return;
    }
    throw new AcceptedTampering(`${this.#header.description}: ${step.op}: accepted: ${step.expect.reason}`);
  }

  transcript(): Transcript {
    return { ...this.#header, now: this.now, steps: this.#steps };
  }
}
