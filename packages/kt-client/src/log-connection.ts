import { CredentialRequest, type EvidenceOperation, KeytransError, TreeHead } from "@mls-as/keytrans";
import {
  type ClientState,
  type ContactMonitorResult,
  credentialUpdateRequest,
  type DistinguishedResult,
  encodeClientState,
  labelState,
  type OwnerInitResult,
  type OwnerMonitorResult,
  type PendingCredential,
  type Prepared,
  type SearchResult,
  type UpdateResult,
} from "@mls-as/keytrans/client";
import { decodeWitnessedHeads, type WitnessedHeads } from "@mls-as/keytrans/witness";
import { CodecError, decode, encode, opaque, vector } from "@mls-as/tls-codec";
import { LogClientError } from "./client-error.js";
import { type KnownLog, knownLog, type KnownLogOptions } from "./configuration.js";
import type { Exchange } from "./exchange.js";
import { type Authorize, createTransport, type Transport, type TransportOptions } from "./transport.js";

const BINARY = "application/octet-stream";

export interface LogConnectionOptions extends Omit<TransportOptions, "authorize">, KnownLogOptions {
  /** The log's encoded `Configuration`, where it is known: then nothing is asked for at the start. */
  readonly configuration?: Uint8Array | undefined;
  /** Bearer token for logs that are not public, or a function that makes the headers. */
  readonly reader?: string | Authorize | undefined;
  /** Bearer token of the log's writer; sent with updates only. */
  readonly writerToken?: string | undefined;
}

/** What a verified answer says, and the state that goes on from it. */
export interface Answered<R> {
  readonly result: R;
  readonly state: ClientState;
  readonly exchange: Exchange;
}

/**
 * The log's operations over HTTP, each verified before it returns. A connection keeps no state: every operation starts
 * from a `ClientState` and gives the next one. All throw `LogClientError`.
 */
export interface LogConnection extends KnownLog {
  readonly url: string;
  /** A label's greatest version, or the one that is named. */
  search(
    state: ClientState,
    search: { label: Uint8Array; version?: number | undefined },
  ): Promise<Answered<SearchResult>>;
  /** Walks the recent distinguished heads. */
  distinguished(state: ClientState, walk?: { stop?: number | undefined }): Promise<Answered<DistinguishedResult>>;
  contactMonitor(state: ClientState, monitor: { label: Uint8Array }): Promise<Answered<ContactMonitorResult>>;
  /** Takes ownership of a label; learns the distinguished heads first where `state` knows none. */
  ownerInit(
    state: ClientState,
    init: { label: Uint8Array; start?: number | undefined },
  ): Promise<Answered<OwnerInitResult>>;
  /** One step of owner monitoring; repeat until `result.complete`. */
  ownerMonitor(state: ClientState, monitor: { label: Uint8Array }): Promise<Answered<OwnerMonitorResult>>;
  /** Creates versions of an owned label (needs the writer token), or learns of existing ones (no values). */
  update(
    state: ClientState,
    update: { label: Uint8Array; values: readonly Uint8Array[] },
  ): Promise<Answered<UpdateResult>>;
  /** An encoded KEYTRANS credential of a label, to be verified with `kt.verifyCredential`. */
  credential(request: { label: Uint8Array; position?: number | undefined }): Promise<Uint8Array>;
  /** An encoded `CredentialUpdate` for a provisional credential, to be verified with `kt.verifyCredentialUpdate`. */
  credentialUpdate(pending: PendingCredential): Promise<Uint8Array>;
  /** The log's newest `TreeHead`. Nothing binds it to a tree yet: the signature is over a root that is not in it. */
  treeHead(): Promise<TreeHead>;
  /** Encoded `AuditorUpdate`s of the log entries from `start` on; empty: there is none yet. */
  auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]>;
  /** An encoded `AuditorCheckpoint`, from which the log's auditor begins where its start is not the first entry. */
  auditorCheckpoint(): Promise<Uint8Array>;
  /** Hands an encoded `AuditorTreeHead` to the log. */
  postAuditorTreeHead(head: Uint8Array): Promise<void>;
  /** The parallel C2SP log's newest checkpoint, a signed note with its cosignatures. */
  checkpoint(): Promise<string>;
  /** A cosigned checkpoint with the inclusion proofs of distinguished heads; for `verifyWitnessedHead`. */
  witnessedHeads(positions: readonly number[]): Promise<WitnessedHeads>;
  /** A tile of the parallel C2SP log, e.g. `/tile/0/000`. */
  tile(path: string): Promise<Uint8Array>;
}

/** Connects to a log; asks for its configuration where the options do not give it. @throws LogClientError */
export async function connectLog(options: LogConnectionOptions): Promise<LogConnection> {
  const { reader, writerToken, clock = Date.now } = options;
  const authorize = typeof reader === "string" ? () => bearer(reader) : reader;
  const transport = createTransport({ ...options, authorize });
  const configuration = options.configuration ?? (await fetchConfiguration(transport));
  const known = await knownLog(configuration, options);
  return new HttpLogConnection(transport, known, clock, writerToken);
}

/** Asks a log for its encoded `Configuration`. It is not authenticated by anything but its `log_id`. */
export function fetchConfiguration(transport: Transport): Promise<Uint8Array> {
  return transport.send({ method: "GET", path: "/v1/configuration", expect: BINARY });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
/** `opaque updates<0..2^16-1>`, each an encoded `AuditorUpdate` with a 32-bit length. */
const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

class HttpLogConnection implements LogConnection {
  readonly url: string;
  readonly logId: Uint8Array;
  readonly configuration: KnownLog["configuration"];
  readonly configurationBytes: Uint8Array;
  readonly kt: KnownLog["kt"];
  readonly #transport: Transport;
  readonly #clock: () => number;
  readonly #writer: Record<string, string>;

  constructor(transport: Transport, known: KnownLog, clock: () => number, writerToken: string | undefined) {
    this.url = transport.url;
    this.logId = known.logId;
    this.configuration = known.configuration;
    this.configurationBytes = known.configurationBytes;
    this.kt = known.kt;
    this.#transport = transport;
    this.#clock = clock;
    this.#writer = writerToken === undefined ? {} : bearer(writerToken);
  }

  search(state: ClientState, search: { label: Uint8Array; version?: number | undefined }) {
    return this.#ask("search", state, search.label, () => this.kt.prepareSearch(state, search));
  }

  distinguished(state: ClientState, walk: { stop?: number | undefined } = {}) {
    return this.#ask("distinguished", state, undefined, () => this.kt.prepareDistinguished(state, walk));
  }

  contactMonitor(state: ClientState, monitor: { label: Uint8Array }) {
    return this.#ask("contactMonitor", state, monitor.label, () => this.kt.prepareContactMonitor(state, monitor));
  }

  async ownerInit(state: ClientState, init: { label: Uint8Array; start?: number | undefined }) {
    const walked =
      init.start === undefined && state.view === undefined ? (await this.distinguished(state)).state : state;
    return this.#ask("ownerInit", walked, init.label, () => this.kt.prepareOwnerInit(walked, init));
  }

  ownerMonitor(state: ClientState, monitor: { label: Uint8Array }) {
    return this.#ask("ownerMonitor", state, monitor.label, () => this.kt.prepareOwnerMonitor(state, monitor));
  }

  update(state: ClientState, update: { label: Uint8Array; values: readonly Uint8Array[] }) {
    return this.#ask("update", state, update.label, () => this.kt.prepareUpdate(state, update));
  }

  credential({ label, position }: { label: Uint8Array; position?: number | undefined }) {
    const body = valid(() => encode(CredentialRequest, { label, position }));
    return this.#transport.send({ method: "POST", path: "/v1/credential", body, expect: BINARY });
  }

  credentialUpdate(pending: PendingCredential) {
    const body = valid(() => credentialUpdateRequest(pending));
    return this.#transport.send({ method: "POST", path: "/v1/credential-update", body, expect: BINARY });
  }

  async treeHead() {
    const bytes = await this.#transport.send({ method: "GET", path: "/v1/tree-head", expect: BINARY });
    return wellFormed("treeHead", () => decode(TreeHead, bytes));
  }

  async auditorUpdates(start: number, limit: number) {
    const path = `/v1/auditor/updates?start=${start}&limit=${limit}`;
    const bytes = await this.#transport.send({ method: "GET", path, expect: BINARY });
    return wellFormed("updates", () => decode(AuditorUpdates, bytes));
  }

  auditorCheckpoint() {
    return this.#transport.send({ method: "GET", path: "/v1/auditor/checkpoint", expect: BINARY });
  }

  async postAuditorTreeHead(head: Uint8Array) {
    await this.#transport.send({ method: "POST", path: "/v1/auditor/tree-head", body: head });
  }

  async checkpoint() {
    const bytes = await this.#transport.send({ method: "GET", path: "/checkpoint" });
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new LogClientError("malformed-answer", "checkpoint", "not UTF-8", { cause });
    }
  }

  async witnessedHeads(positions: readonly number[]) {
    const path = `/v1/witnessed-heads?${positions.map((position) => `position=${position}`).join("&")}`;
    const bytes = await this.#transport.send({ method: "GET", path, expect: BINARY });
    try {
      return decodeWitnessedHeads(bytes);
    } catch (cause) {
      if (!(cause instanceof CodecError) && !(cause instanceof TypeError)) throw cause;
      throw new LogClientError("malformed-answer", "witnessedHeads", cause.message, { cause });
    }
  }

  tile(path: string) {
    return this.#transport.send({ method: "GET", path });
  }

  async #ask<R>(
    operation: EvidenceOperation,
    state: ClientState,
    label: Uint8Array | undefined,
    prepare: () => Prepared<R>,
  ): Promise<Answered<R>> {
    const prepared = valid(prepare);
    const response = await this.#transport.send({
      method: "POST",
      path: PATHS[operation],
      body: prepared.request,
      expect: BINARY,
      ...(operation === "update" ? { headers: this.#writer } : {}),
    });
    const now = this.#clock();
    const exchange: Exchange = {
      operation,
      configuration: this.configurationBytes,
      recent: this.kt.setting.recent,
      state: encodeClientState(concerning(state, label)),
      request: prepared.request,
      responses: [response],
      now,
    };
    try {
      const verified = await prepared.verify(response, now);
      return { ...verified, exchange };
    } catch (cause) {
      if (!(cause instanceof KeytransError)) throw cause;
      const reason = `${cause.code}: ${cause.message}`;
      throw new LogClientError("invalid-proof", cause.path || operation, reason, { cause, exchange });
    }
  }
}

const PATHS: Readonly<Record<EvidenceOperation, string>> = {
  search: "/v1/search",
  contactMonitor: "/v1/contact-monitor",
  ownerInit: "/v1/owner-init",
  ownerMonitor: "/v1/owner-monitor",
  update: "/v1/update",
  distinguished: "/v1/distinguished",
};

/** The part of a state that a request about one label rests on. */
function concerning(state: ClientState, label: Uint8Array | undefined): ClientState {
  const { view, distinguished } = state;
  if (label === undefined) return { view, distinguished, labels: [] };
  const known = labelState(state, label);
  return { view, distinguished: [], labels: known === undefined ? [] : [known] };
}

/** What the caller passed wrong is told apart from what the log did. */
function valid<T>(prepare: () => T): T {
  try {
    return prepare();
  } catch (cause) {
    if (!(cause instanceof KeytransError) && !(cause instanceof CodecError)) throw cause;
    throw new LogClientError("invalid-argument", cause.path, cause.message, { cause });
  }
}

function wellFormed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new LogClientError("malformed-answer", path, cause.message, { cause });
  }
}
