import { Configuration, KeytransError, logId as logIdOf } from "@mls-as/keytrans";
import {
  type ClientState,
  createClient,
  decodeClientState,
  encodeClientState,
  type KtClient,
  labelState,
  type Prepared,
  type Verified,
} from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import { utf8 } from "../binary-text.js";
import type { LabelView, LogProof } from "../storage/store.js";
import { type Appended, LogError, type LoggedVersion, type OpenedLabel, type TransparencyLog } from "./log.js";
import { rememberingSuite } from "./remembered-proofs.js";
import { SeenLog, type SeenLogKeeper } from "./seen-log.js";
import type { LogTransport } from "./transport.js";

/** Keeps encoded states; what {@link SeenLog} needs of them across restarts. */
export interface StateKeeper {
  load(): Promise<Uint8Array | undefined>;
  /** Durable when it resolves; keeps the state of the largest tree. */
  save(treeSize: number, state: Uint8Array): Promise<void>;
}

/**
 * A log that speaks KEYTRANS, verified with the same client that members use. Every answer must also continue the newest
 * tree that any answer has shown, before a restart too: a log that was put back, or forked, gets nothing signed.
 */
export class KeytransLog implements TransparencyLog {
  readonly logId: Uint8Array;
  readonly url: string;
  readonly #client: KtClient;
  readonly #transport: LogTransport;
  readonly #seen: SeenLog;

  private constructor(client: KtClient, transport: LogTransport, logId: Uint8Array, keeper: StateKeeper | undefined) {
    this.#client = client;
    this.#transport = transport;
    this.logId = logId;
    this.url = transport.url;
    const catchUp = async (state: ClientState): Promise<ClientState> => {
      const prepared = client.prepareDistinguished(state, {});
      return (await this.#verify(prepared, await transport.post("distinguished", prepared.request))).state;
    };
    this.#seen = new SeenLog(client.initialState(), catchUp, keeper && decodingKeeper(keeper));
  }

  /**
   * @param configuration the log's encoded `Configuration`, pinned by the caller
   * @param keeper where the newest verified tree is kept; without one it lasts as long as this object
   * @throws LogError `proof-invalid`
   */
  static async connect(configuration: Uint8Array, transport: LogTransport, keeper?: StateKeeper): Promise<KeytransLog> {
    try {
      const decoded = decode(Configuration, configuration);
      const suite = rememberingSuite(await nodeSuite(decoded.ciphersuite === 1 ? 1 : 2));
      return new KeytransLog(createClient({ suite, configuration: decoded }), transport, logIdOf(decoded), keeper);
    } catch (cause) {
      throw new LogError("proof-invalid", "the log's configuration cannot be used", { cause });
    }
  }

  async open(label: string): Promise<LabelView> {
    const { state, greatestVersion } = await this.#own(label);
    if (greatestVersion === undefined) return { state: encodeClientState(state), latest: undefined };
    const prepared = this.#client.prepareSearch(state, { label: utf8(label), version: greatestVersion });
    const found = await this.#ask("search", prepared, state);
    const { version, value } = found.result;
    return { state: encodeClientState(found.state), latest: { version, value } };
  }

  async look(label: string): Promise<OpenedLabel> {
    const { state, greatestVersion } = await this.#own(label);
    try {
      const found = await this.#ask("search", this.#client.prepareSearch(state, { label: utf8(label) }), state);
      const { version, value, position } = found.result;
      return { state: encodeClientState(found.state), latest: { version, value }, position };
    } catch (error) {
      // Where an older entry of the log proves a version, "there is nothing" cannot be true.
      if (!(error instanceof LogError) || error.code !== "label-unknown" || greatestVersion !== undefined) throw error;
      return { state: encodeClientState(state), latest: undefined, position: undefined };
    }
  }

  async #own(label: string): Promise<{ state: ClientState; greatestVersion: number | undefined }> {
    const start = await this.#seen.newest();
    const prepared = this.#client.prepareOwnerInit(start, { label: utf8(label) });
    const { result, state } = await this.#ask("owner-init", prepared, start);
    return { state, greatestVersion: result.greatestVersion };
  }

  async append(label: string, view: LabelView, value: Uint8Array): Promise<Appended> {
    const state = await this.#seen.under(decodeClientState(view.state));
    const prepared = this.#client.prepareUpdate(state, { label: utf8(label), values: [value] });
    const { result, state: updated } = await this.#ask("update", prepared, state);
    const { position, created, versions } = result;
    const last = versions.at(-1);
    if (last === undefined) throw new LogError("proof-invalid", "the log answered an update without a version");
    const next = await this.#confirm(label, last, position, updated);
    return { position, created, versions, view: { state: encodeClientState(next), latest: last } };
  }

  /**
   * An update whose entry is distinguished comes without a proof that the entry holds the value (draft, "Updating a
   * Label", "Algorithm": owners check that when they monitor). Here nothing may rest on it before: a search proves it.
   */
  async #confirm(label: string, expected: LoggedVersion, position: number, state: ClientState): Promise<ClientState> {
    const monitored = labelState(state, utf8(label))?.monitoring ?? [];
    if (monitored.some((entry) => entry.position === position && entry.version === expected.version)) return state;
    const prepared = this.#client.prepareSearch(state, { label: utf8(label), version: expected.version });
    const found = await this.#ask("search", prepared, state);
    if (!equalBytes(found.result.value, expected.value))
      throw new LogError("proof-invalid", "the log proves another value than it answered the update with");
    return found.state;
  }

  async prove(label: string): Promise<LogProof & LoggedVersion> {
    const prepared = this.#client.prepareSearch(this.#client.initialState(), { label: utf8(label) });
    const response = await this.#transport.post("search", prepared.request);
    const { result, state } = await this.#verify(prepared, response);
    if (state.view !== undefined) await this.#seen.place(state.view, undefined);
    // What is signed on the strength of this must never be forgotten.
    await this.#seen.kept();
    return { request: prepared.request, response, version: result.version, value: result.value };
  }

  /** @param from the state that the request was prepared from */
  async #ask<R>(endpoint: string, prepared: Prepared<R>, from: ClientState): Promise<Verified<R>> {
    const verified = await this.#verify(prepared, await this.#transport.post(endpoint, prepared.request));
    if (verified.state.view !== undefined) await this.#seen.place(verified.state.view, from.view);
    return verified;
  }

  async #verify<R>(prepared: Prepared<R>, response: Uint8Array): Promise<Verified<R>> {
    try {
      return await prepared.verify(response, Date.now());
    } catch (cause) {
      if (cause instanceof KeytransError || cause instanceof CodecError)
        throw new LogError("proof-invalid", `the log's proof does not verify: ${cause.message}`, { cause });
      throw cause;
    }
  }
}

function decodingKeeper(keeper: StateKeeper): SeenLogKeeper {
  return {
    load: async () => {
      const state = await keeper.load();
      return state && decodeClientState(state);
    },
    save: (treeSize, state) => keeper.save(treeSize, encodeClientState(state)),
  };
}
