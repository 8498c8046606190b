import { Configuration, KeytransError, type Suite, UpdateRequest } from "@mls-as/keytrans";
import { type Auditor, type AuditorState, createAuditor, encodeAuditorState } from "@mls-as/keytrans/auditor";
import {
  type ClientState,
  createClient,
  encodeClientState,
  encodePendingCredential,
  finalizeCredential,
  type KtClient,
  type PendingCredential,
  type Prepared,
  type Verified,
} from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { checkManagerUpdate, ProverError } from "@mls-as/keytrans/prover";
import { decode, encode } from "@mls-as/tls-codec";
import {
  checkFields,
  hex,
  listOf,
  optionalNumber,
  requiredNumber,
  type Step,
  type Transcript,
  TranscriptError,
  unhex,
} from "./keytrans-transcript.js";

/** What a step came to, in the fields of `expect`. */
export type Outcome = Readonly<Record<string, unknown>>;

interface Operation {
  /** Fields of the step beside `request` and `response`. */
  readonly fields: readonly string[];
  readonly expected: readonly string[];
  prepare(client: KtClient, state: ClientState, step: Step): Prepared<Outcome>;
}

/** A prepared operation whose result is presented as a transcript states it. */
function presented<R>(prepared: Prepared<R>, present: (result: R, state: ClientState) => Outcome): Prepared<Outcome> {
  return {
    request: prepared.request,
    async verify(response, now): Promise<Verified<Outcome>> {
      const { result, state } = await prepared.verify(response, now);
      return { result: present(result, state), state };
    },
  };
}

/** A result that may be stated in several ways. */
export class AnyOf {
  readonly ways: readonly unknown[];
  constructor(ways: readonly unknown[]) {
    this.ways = ways;
  }
}
const anyOf = (...ways: readonly unknown[]): AnyOf => new AnyOf(ways);

const labelOf = (step: Step): Uint8Array => unhex(step.label, "label");

const OPERATIONS: Readonly<Record<string, Operation>> = {
  search: {
    fields: ["label", "version"],
    expected: ["version", "value", "position", "monitor", "treeSize", "root", "timestamp"],
    prepare: (client, state, step) =>
      presented(
        client.prepareSearch(state, { label: labelOf(step), version: optionalNumber(step.version, "version") }),
        ({ value, root, ...found }) => ({ ...found, value: hex(value), root: hex(root) }),
      ),
  },
  contactMonitor: {
    fields: ["label"],
    expected: ["entries"],
    prepare: (client, state, step) =>
      presented(client.prepareContactMonitor(state, { label: labelOf(step) }), ({ entries }) => ({ entries })),
  },
  ownerInit: {
    fields: ["label", "start"],
    expected: ["start", "greatestVersion"],
    prepare: (client, state, step) =>
      presented(
        client.prepareOwnerInit(state, { label: labelOf(step), start: optionalNumber(step.start, "start") }),
        ({ start, greatestVersion }) => ({ start, greatestVersion }),
      ),
  },
  ownerMonitor: {
    fields: ["label"],
    expected: ["entries", "verified", "start", "complete"],
    prepare: (client, state, step) =>
      presented(client.prepareOwnerMonitor(state, { label: labelOf(step) }), (result) => ({ ...result })),
  },
  update: {
    fields: ["label", "values"],
    expected: ["position", "versions", "created", "skipped", "treeSize", "root"],
    prepare: (client, state, step) => {
      const values = listOf(step.values ?? [], "values").map((value, i) => unhex(value, `values[${i}]`));
      return presented(
        client.prepareUpdate(state, { label: labelOf(step), values }),
        ({ position, versions, created, skipped, treeSize, root }) => ({
          position,
          versions: versions.map(({ version, value }) => ({ version, value: hex(value) })),
          created,
          skipped,
          treeSize,
          root: hex(root),
        }),
      );
    },
  },
  distinguished: {
    fields: ["stop"],
    expected: ["heads"],
    prepare: (client, state, step) =>
      presented(
        client.prepareDistinguished(state, { stop: optionalNumber(step.stop, "stop") }),
        ({ heads, distinguishedHead }, { distinguished }) => ({
          // As a list of roots, or as an encoded `DistinguishedHead`; with a stopping position also with those known before.
          heads: anyOf(
            heads.map(({ root }) => hex(root)),
            distinguished.map(({ root }) => hex(root)),
            hex(distinguishedHead),
          ),
        }),
      ),
  },
};

/** One update, or several to be taken in turn. */
const updatesOf = ({ update }: Step): Uint8Array[] =>
  (Array.isArray(update) ? listOf(update, "update") : [update]).map((one) => unhex(one, "update"));

/** Steps that are no question to the log. */
const OFFLINE = ["credential", "credentialUpdate", "audit", "managerUpdate"];

/** The one client, and the one auditor, that live through the steps of a transcript. */
export class ClientSession {
  readonly #client: KtClient;
  readonly #now: number | undefined;
  readonly #auditor: Auditor | undefined;
  #audited: AuditorState | undefined;
  /** Provisional credentials that wait for their update, the newest first. */
  #pending: readonly PendingCredential[] = [];
  state: ClientState;

  private constructor(client: KtClient, now: number | undefined, auditor: Auditor | undefined) {
    this.#client = client;
    this.#now = now;
    this.#auditor = auditor;
    this.#audited = auditor?.initialState();
    this.state = client.initialState();
  }

  /** @throws TranscriptError, or KeytransError when the configuration is refused */
  static async open(
    transcript: Pick<Transcript, "configuration" | "now" | "recent">,
    given?: Suite,
  ): Promise<ClientSession> {
    const configuration = decode(Configuration, unhex(transcript.configuration, "configuration"));
    const { ciphersuite } = configuration;
    if (ciphersuite !== 1 && ciphersuite !== 2) throw new TranscriptError(`unknown cipher suite ${ciphersuite}`);
    const suite = given ?? (await nodeSuite(ciphersuite));
    const recent = optionalNumber(transcript.recent, "recent") ?? 7;
    const client = createClient({ suite, configuration, recent });
    const auditor = configuration.mode === "thirdPartyAuditing" ? createAuditor({ suite, configuration }) : undefined;
    return new ClientSession(client, optionalNumber(transcript.now, "now"), auditor);
  }

  prepare(step: Step): Prepared<Outcome> {
    const operation = Object.hasOwn(OPERATIONS, step.op) ? OPERATIONS[step.op] : undefined;
    if (operation === undefined) throw new TranscriptError(`unknown operation ${step.op}`);
    checkFields(step, ["request", "response", ...operation.fields], operation.expected);
    return operation.prepare(this.#client, this.state, step);
  }

  /**
   * Performs a step and, when it succeeds, moves on to the next state.
   *
   * @returns the result in the fields of `expect`
   * @throws KeytransError when the step is refused; TranscriptError when the request is not the transcript's
   */
  async perform(step: Step): Promise<Outcome> {
    if (OFFLINE.includes(step.op)) return this.#performOffline(step);
    const { request, verify } = this.prepare(step);
    if (step.request !== undefined && hex(request) !== step.request.toLowerCase())
      throw new TranscriptError(`the request is ${hex(request)} instead of ${step.request}`);
    const response = Array.isArray(step.response)
      ? listOf(step.response, "response").map((one, i) => unhex(one, `response[${i}]`))
      : unhex(step.response, "response");
    const now = requiredNumber(step.now ?? this.#now, "now");
    const { result, state } = await verify(response, now);
    this.state = state;
    return result;
  }

  async #performOffline(step: Step): Promise<Outcome> {
    switch (step.op) {
      case "credential": {
        checkFields(step, ["credential"], ["label", "version", "value", "position", "final"]);
        const { label, version, value, position, final, pending } = await this.#client.verifyCredential(
          this.state,
          unhex(step.credential, "credential"),
        );
        // A provisional credential is final as soon as its terminal log entry is known to be distinguished.
        const settled = final || (pending !== undefined && finalizeCredential(this.state, pending));
        if (pending !== undefined && !settled) this.#pending = [pending, ...this.#pending];
        return { label: hex(label), version, value: hex(value), position, final: settled };
      }
      case "credentialUpdate": {
        checkFields(step, ["update"], ["final"]);
        const before = this.#pending;
        try {
          let final = true;
          for (const update of updatesOf(step)) final = (await this.#finalise(update, step.expect.ok)) && final;
          return { final };
        } catch (error) {
          this.#pending = before;
          throw error;
        }
      }
      case "managerUpdate":
        checkFields(step, ["update", "request"], ["signedVersion", "versions"]);
        return this.#managed(unhex(step.update, "update"), unhex(step.request, "request"));
      default: {
        checkFields(step, ["update", "checkpoint"], ["treeSize", "root", "timestamp", "prefixRoot"]);
        if (this.#auditor === undefined || this.#audited === undefined)
          throw new KeytransError("invalid-configuration", "it names no auditor", "Auditing", "configuration");
        let state = this.#audited;
        if (step.checkpoint !== undefined) state = await this.#auditor.start(unhex(step.checkpoint, "checkpoint"));
        for (const update of updatesOf(step)) ({ state } = this.#auditor.process(state, update));
        this.#audited = state;
        const { treeSize, timestamp, prefixRoot } = state;
        return { treeSize, root: hex(this.#auditor.root(state)), timestamp, prefixRoot: hex(prefixRoot) };
      }
    }
  }

  /**
   * Tries an update on the credentials that wait for one, the newest first. @returns false when it has to be queued because
   * the distinguished head it leads to is not known yet; where the step is to fail, that is a refusal like any other
   */
  async #finalise(update: Uint8Array, queue: boolean): Promise<boolean> {
    let refusal: KeytransError | undefined;
    for (const pending of this.#pending) {
      try {
        await this.#client.verifyCredentialUpdate(this.state, pending, update);
        this.#pending = this.#pending.filter((other) => other !== pending);
        return true;
      } catch (error) {
        if (!(error instanceof KeytransError)) throw error;
        refusal ??= error;
      }
    }
    if (refusal === undefined)
      throw new KeytransError("missing-state", "no provisional credential waits for an update", "Provisional");
    if (queue && refusal.code === "unknown-distinguished-head") return false;
    throw refusal;
  }

  /** A manager receives a user's update from the operator, with a signature over each value. */
  async #managed(update: Uint8Array, request: Uint8Array): Promise<Outcome> {
    const { suite, configuration } = this.#client.setting;
    try {
      const { signedVersion, values, ...forwarded } = await checkManagerUpdate(suite, configuration, request);
      const plain = { ...forwarded, values: values.map(({ value }) => ({ value })) };
      if (hex(encode(UpdateRequest, plain)) !== hex(update))
        throw new KeytransError("malformed", "another update than the user's is forwarded", "Management", "request");
      const versions = values.map(({ value }, i) => ({ version: signedVersion + i, value: hex(value) }));
      return { signedVersion, versions };
    } catch (error) {
      if (!(error instanceof ProverError)) throw error;
      throw new KeytransError("invalid-update-signature", error.message, error.section, error.path);
    }
  }

  /** Another session that has lived through the same steps, to try something on. */
  fork(): ClientSession {
    const other = new ClientSession(this.#client, this.#now, this.#auditor);
    other.state = this.state;
    other.#audited = this.#audited;
    other.#pending = this.#pending;
    return other;
  }

  /** Everything remembered, to compare. */
  snapshot(): string {
    const audited = this.#audited === undefined ? "" : hex(encodeAuditorState(this.#audited));
    const pending = this.#pending.map((one) => hex(encodePendingCredential(one)));
    return [hex(encodeClientState(this.state)), audited, ...pending].join(" ");
  }
}
