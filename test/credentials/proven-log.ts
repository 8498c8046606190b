import { Configuration, CredentialRequest, KT_128_SHA256_Ed25519, logId, type Suite, TreeHead } from "@mls-as/keytrans";
import { type ClientState, createClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { createProver, MemoryStore, type Prover, sequence, type SequenceContext } from "@mls-as/keytrans/prover";
import {
  type DeviceList,
  encodeDeviceList,
  type GhostEvent,
  identityBytes,
  type LogProof,
} from "@mls-as/mls-credentials";
import type { Fetch } from "@mls-as/mls-credentials/client";
import { encode } from "@mls-as/tls-codec";
import { hex } from "../conformance/wire-json.js";

/** A log in memory that serves device lists with proofs anybody can check. */
export class ProvenLog {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly logId: Uint8Array;
  readonly #context: SequenceContext & { readonly store: MemoryStore };
  readonly #prover: Prover;
  readonly #greatest = new Map<string, number>();

  private constructor(suite: Suite, fork: string) {
    this.suite = suite;
    const signer = suite.importSigner(new Uint8Array(32).fill(2));
    const vrfPrivateKey = suite.importVrfPrivateKey(new Uint8Array(32).fill(1));
    this.configuration = {
      ciphersuite: suite.id,
      mode: "contactMonitoring",
      signaturePublicKey: signer.publicKey,
      vrfPublicKey: vrfPrivateKey.publicKey,
      maxAhead: 60_000n,
      maxBehind: 3_600_000n,
      reasonableMonitoringWindow: 86_400_000n,
      maximumLifetime: undefined,
    };
    this.logId = logId(this.configuration);
    const store = new MemoryStore();
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(fork.length);
    this.#context = { suite, configuration: this.configuration, vrfPrivateKey, signer, random, store };
    this.#prover = createProver(this.#context);
  }

  /** Logs of other forks have the same keys. */
  static async create(fork = "a"): Promise<ProvenLog> {
    return new ProvenLog(await nodeSuite(KT_128_SHA256_Ed25519), fork);
  }

  /** `at` in seconds. */
  async append(value: DeviceList | { user: string; bytes: Uint8Array }, at: number): Promise<void> {
    const { user, bytes } = "user" in value ? value : { user: value.identity, bytes: encodeDeviceList(value) };
    const greatestVersion = this.#greatest.get(user);
    const change = { label: identityBytes(user), greatestVersion, values: [{ value: bytes }] };
    this.#context.store.apply((await sequence(this.#context, [change], at * 1000)).writes);
    this.#greatest.set(user, (greatestVersion ?? -1) + 1);
  }

  /** An empty log entry. */
  async heartbeat(at: number): Promise<void> {
    this.#context.store.apply((await sequence(this.#context, [], at * 1000)).writes);
  }

  /** What the log answers over HTTP, without a network. */
  readonly fetch: Fetch = async (url, { body }) => {
    const path = new URL(url).pathname;
    const request = body === undefined ? new Uint8Array(0) : Uint8Array.from(body as Uint8Array);
    const answers: Record<string, () => Uint8Array | Promise<Uint8Array>> = {
      "/v1/configuration": () => encode(Configuration, this.configuration),
      "/v1/search": () => this.#prover.search(request),
      "/v1/contact-monitor": () => this.#prover.contactMonitor(request),
      "/v1/distinguished": () => this.#prover.distinguished(request),
      "/v1/owner-init": () => this.#prover.ownerInit(request),
      "/v1/owner-monitor": () => this.#prover.ownerMonitor(request),
    };
    const answer = answers[path];
    if (answer === undefined) return new Response(undefined, { status: 404 });
    const headers = { "content-type": "application/octet-stream" };
    return new Response(Uint8Array.from(await answer()), { headers });
  };

  /** A lookup as a `device-list` event, with a proof from no earlier view; of the greatest version, or of a given one. */
  async lookup(user: string, at: number, asked?: number): Promise<Extract<GhostEvent, { type: "device-list" }>> {
    const client = createClient({ suite: this.suite, configuration: this.configuration });
    const prepared = client.prepareSearch(client.initialState(), { label: identityBytes(user), version: asked });
    const response = await this.#prover.search(prepared.request);
    const { result } = await prepared.verify(response, at * 1000);
    const proof: LogProof = {
      configuration: hex(encode(Configuration, this.configuration)),
      request: hex(prepared.request),
      response: hex(response),
      now: at * 1000,
      recent: client.setting.recent,
    };
    const provenAt = Math.floor(result.timestamp / 1000);
    const { version, value } = result;
    return { type: "device-list", at, user, version, value, provenAt, proof, greatest: asked === undefined };
  }

  /** What a sender staples about a user, and a walk of the distinguished heads that must come before it. */
  async staple(user: string): Promise<Uint8Array> {
    return await this.#prover.credential(
      encode(CredentialRequest, { label: identityBytes(user), position: undefined }),
    );
  }

  async walk(state: ClientState, at: number): Promise<{ readonly state: ClientState; readonly response: Uint8Array }> {
    const client = createClient({ suite: this.suite, configuration: this.configuration });
    const prepared = client.prepareDistinguished(state);
    const response = await this.#prover.distinguished(prepared.request);
    return { state: (await prepared.verify(response, at * 1000)).state, response };
  }

  /** The newest head as a `head` event, signed. */
  async head(user: string, at: number, source: string): Promise<Extract<GhostEvent, { type: "head" }>> {
    const client = createClient({ suite: this.suite, configuration: this.configuration });
    const prepared = client.prepareSearch(client.initialState(), { label: identityBytes(user) });
    const { result, state } = await prepared.verify(await this.#prover.search(prepared.request), at * 1000);
    const treeHead = state.view?.treeHead as TreeHead;
    const signed = {
      configuration: hex(encode(Configuration, this.configuration)),
      treeHead: hex(encode(TreeHead, treeHead)),
    };
    const position = result.treeSize - 1;
    return { type: "head", at, logId: hex(this.logId), position, root: hex(result.root), source, signed };
  }
}
