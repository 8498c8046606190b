import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import {
  AuditorUpdate,
  Configuration,
  ContactMonitorRequest,
  DistinguishedRequest,
  logId,
  OwnerInitRequest,
  OwnerMonitorRequest,
  type PrefixLeaf,
  type RandomSource,
  SearchRequest,
  type Signer,
  type Suite,
  TreeHead,
  TreeHeadTBS,
  UpdateRequest,
  type VrfPrivateKey,
  wireFormat,
} from "@mls-as/keytrans";
import { createAuditor } from "@mls-as/keytrans/auditor";
import { nodeSuite } from "@mls-as/keytrans/node";
import {
  createProver,
  type LogEntryWrites,
  MemoryStore,
  type Prover,
  ProverError,
  type ProverErrorCode,
  type ProverStore,
  sequence,
} from "@mls-as/keytrans/prover";
import type { Fetch } from "@mls-as/kt-client";
import { decode, encode, opaque, vector } from "@mls-as/tls-codec";
import { Inspection, updateView, walkDistinguished } from "../../../packages/keytrans/src/algorithms/index.js";
import { appendLeaf, leafValue, rootValue } from "../../../packages/keytrans/src/log-tree/hashing.js";
import { fullSubtrees } from "../../../packages/keytrans/src/log-tree/subtrees.js";
import { provePrefixSearch } from "../../../packages/keytrans/src/prefix-tree/search.js";
import { RecordedProof } from "../../../packages/keytrans/src/prover/recorded-proof.js";

const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): RandomSource {
  let state = seed >>> 0;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
}

/** The keys of a log whose operator cheats, and its branches. */
export class MaliciousLog {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly signer: Signer;
  readonly auditor: Signer;
  readonly auditorKey: Uint8Array;
  readonly vrfPrivateKey: VrfPrivateKey;
  readonly random: RandomSource;
  readonly #servers: Server[] = [];

  private constructor(suite: Suite, audited: boolean, window: bigint, random: RandomSource) {
    this.suite = suite;
    this.random = random;
    this.vrfPrivateKey = suite.importVrfPrivateKey(suite.generatePrivateKey(random));
    this.signer = suite.importSigner(suite.generatePrivateKey(random));
    this.auditorKey = suite.generatePrivateKey(random);
    this.auditor = suite.importSigner(this.auditorKey);
    const common = {
      ciphersuite: suite.id,
      signaturePublicKey: this.signer.publicKey,
      vrfPublicKey: this.vrfPrivateKey.publicKey,
      maxAhead: 60_000n,
      maxBehind: 3_600_000n,
      reasonableMonitoringWindow: window,
      maximumLifetime: undefined,
    };
    this.configuration = audited
      ? {
          ...common,
          mode: "thirdPartyAuditing",
          maxAuditorLag: 3_600_000n,
          auditorStartPos: 0n,
          auditorPublicKey: this.auditor.publicKey,
        }
      : { ...common, mode: "contactMonitoring" };
  }

  /** @param options.seed makes keys and openings that are the same in every run */
  static async create(options: { audited?: boolean; window?: bigint; seed?: number } = {}): Promise<MaliciousLog> {
    const { audited = false, window = 86_400_000n, seed } = options;
    const random = seed === undefined ? (length: number) => new Uint8Array(randomBytes(length)) : seeded(seed);
    return new MaliciousLog(await nodeSuite(2), audited, window, random);
  }

  get logId(): Uint8Array {
    return logId(this.configuration);
  }

  branch(): Branch {
    return new Branch(this);
  }

  /** What the log's auditor signs who has audited a branch. */
  async auditorHead(branch: Branch): Promise<Uint8Array> {
    const { configuration, suite } = this;
    const auditor = createAuditor({ suite, configuration });
    let state = auditor.initialState();
    for (const update of branch.auditorUpdates) ({ state } = auditor.process(state, update));
    return auditor.sign(state, this.auditor);
  }

  /** Serves a branch; which one may change between requests. */
  async serve(serving: Serving): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://log");
        this.#answer(serving, url, new Uint8Array(Buffer.concat(chunks))).then(
          (body) =>
            response
              .writeHead(body === undefined ? 204 : 200, { "content-type": "application/octet-stream" })
              .end(body),
          (error: unknown) => {
            const known = error instanceof ProverError;
            if (!known && !(error instanceof NotHere)) process.stderr.write(`${String((error as Error).stack)}\n`);
            response.writeHead(known ? 400 : error instanceof NotHere ? 404 : 500, {
              "content-type": "application/problem+json",
            });
            response.end(JSON.stringify({ code: known ? error.code : "not-found", detail: String(error) }));
          },
        );
      });
    }).listen(0, "127.0.0.1");
    this.#servers.push(server);
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** The same without a socket. */
  fetch(serving: Serving): Fetch {
    return async (url, { body }) => {
      try {
        const answer = await this.#answer(serving, new URL(url), body ?? new Uint8Array());
        const headers = { "content-type": "application/octet-stream" };
        return new Response(answer?.slice().buffer ?? null, { status: answer === undefined ? 204 : 200, headers });
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        const headers = { "content-type": "application/problem+json" };
        return new Response(JSON.stringify({ code: "not-found", detail }), { status: 404, headers });
      }
    };
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #answer(serving: Serving, url: URL, body: Uint8Array): Promise<Uint8Array | undefined> {
    const refusal = serving.refuse?.(url.pathname, body);
    if (refusal !== undefined) throw new ProverError(refusal, "made up", "Lies");
    const branch = serving.branch(url.pathname);
    const answer = await branch.answer(url, body);
    return answer && (serving.bend?.(url.pathname, answer) ?? answer);
  }
}

export interface Serving {
  branch(path: string): Branch;
  /** Alters answers on their way. */
  readonly bend?: (path: string, answer: Uint8Array) => Uint8Array;
  /** Makes up why a request is not answered; undefined: it is answered. */
  readonly refuse?: (path: string, request: Uint8Array) => ProverErrorCode | undefined;
}

class NotHere extends Error {}

/** One history that the log can show. */
export class Branch {
  readonly log: MaliciousLog;
  readonly store = new MemoryStore();
  readonly writes: LogEntryWrites[] = [];
  auditorUpdates: Uint8Array[] = [];
  /** A lie about which version is the greatest. */
  greatest: ((label: Uint8Array, position: number, truth: number | undefined) => number | undefined) | undefined;
  stampedBack = false;

  constructor(log: MaliciousLog) {
    this.log = log;
  }

  get size(): number {
    return this.writes.length;
  }

  get #keys() {
    const { suite, configuration, signer, vrfPrivateKey, random } = this.log;
    return { suite, configuration, signer, vrfPrivateKey, random };
  }

  apply(writes: LogEntryWrites): void {
    this.store.apply(writes);
    this.writes.push(writes);
    if (writes.auditorUpdate) this.auditorUpdates.push(writes.auditorUpdate);
  }

  /** The same history up to `size`, to go on differently. */
  fork(size = this.size): Branch {
    const other = new Branch(this.log);
    for (const writes of this.writes.slice(0, size)) other.apply(writes);
    return other;
  }

  async heartbeat(timestamp: number): Promise<void> {
    this.apply((await sequence({ ...this.#keys, store: this.store }, [], timestamp)).writes);
  }

  async put(label: string, value: Uint8Array, timestamp: number): Promise<void> {
    const bytes = new TextEncoder().encode(label);
    const [greatestVersion] = this.store.greatestVersions(bytes, [this.size - 1]);
    const change = { label: bytes, greatestVersion, values: [{ value }] };
    this.apply((await sequence({ ...this.#keys, store: this.store }, [change], timestamp)).writes);
  }

  /** Signs an entry that no honest log makes: any time, and the prefix tree of any entry before. */
  async forge(timestamp: number, prefixOf: number, update?: Partial<AuditorUpdate>): Promise<void> {
    const { suite, signer, configuration } = this.log;
    const position = this.size;
    const [old, last] = this.store.entries([prefixOf, position - 1]);
    if (old === undefined || last === undefined) throw new Error("no such entry");
    const entry = { ...old, position, timestamp, nextNode: last.nextNode };
    const leaf = leafValue(suite, { timestamp, prefixTree: entry.prefixRoot });
    const appended = appendLeaf(suite, position, this.store.logNodes(fullSubtrees(position)), leaf);
    const treeSize = position + 1;
    const root = rootValue(suite, treeSize, appended.heads);
    const signature = await signer.sign(encode(TreeHeadTBS, { config: configuration, treeSize, root }));
    const empty = {
      timestamp,
      added: [],
      removed: [],
      proof: await provePrefixSearch(this.store, { id: last.prefixNode, value: last.prefixRoot }, []),
    };
    this.apply({
      position,
      head: { treeSize, root, signature, timestamp },
      entry,
      logNodes: appended.nodes,
      prefixNodes: [],
      superseded: [],
      versions: [],
      openings: [],
      vrfProofs: [],
      auditorUpdate: encode(AuditorUpdate, { ...empty, ...update }),
    });
  }

  /** An auditor update that takes leaves away, with the proof that they were there. */
  async removal(timestamp: number, removed: readonly PrefixLeaf[]): Promise<Partial<AuditorUpdate>> {
    const [last] = this.store.entries([this.size - 1]);
    if (last === undefined) throw new Error("an empty log");
    const keys = removed.map(({ vrfOutput }) => vrfOutput);
    const proof = await provePrefixSearch(this.store, { id: last.prefixNode, value: last.prefixRoot }, keys);
    return { timestamp, removed, proof };
  }

  get prover(): Prover {
    const { suite, configuration, vrfPrivateKey } = this.log;
    return createProver({ suite, configuration, vrfPrivateKey, store: this.#lyingStore() });
  }

  #lyingStore(): ProverStore {
    const { store, greatest } = this;
    if (greatest === undefined) return store;
    const lie: Partial<ProverStore> = {
      greatestVersions: (label, positions) =>
        store.greatestVersions(label, positions).map((truth, i) => greatest(label, positions[i] as number, truth)),
    };
    return new Proxy(store, {
      get: (target, name) => {
        const value = (lie as Record<string | symbol, unknown>)[name] ?? Reflect.get(target, name, target);
        return typeof value === "function" ? (value as () => unknown).bind(target) : value;
      },
    });
  }

  async answer({ pathname, searchParams }: URL, body: Uint8Array): Promise<Uint8Array | undefined> {
    const { prover } = this;
    switch (pathname) {
      case "/v1/configuration":
        return encode(Configuration, this.log.configuration);
      case "/v1/tree-head":
        return encode(TreeHead, this.store.head() as TreeHead);
      case "/v1/search":
        return prover.search(this.#known(SearchRequest, body));
      case "/v1/distinguished":
        return this.stampedBack ? this.#timelessWalk() : prover.distinguished(this.#known(DistinguishedRequest, body));
      case "/v1/owner-init":
        return prover.ownerInit(this.#known(OwnerInitRequest, body));
      case "/v1/owner-monitor":
        return prover.ownerMonitor(this.#known(OwnerMonitorRequest, body));
      case "/v1/contact-monitor":
        return prover.contactMonitor(this.#known(ContactMonitorRequest, body));
      case "/v1/update": {
        const plan = await prover.planUpdate(this.#known(UpdateRequest, body));
        if (plan.kind === "answer") return plan.responses[0];
        throw new NotHere("nothing new");
      }
      case "/v1/auditor/updates": {
        const start = Number(searchParams.get("start") ?? 0);
        const end = start + Number(searchParams.get("limit") ?? 100);
        return encode(AuditorUpdates, this.auditorUpdates.slice(start, end));
      }
      case "/v1/auditor/tree-head":
        this.store.setAuditorTreeHead(body);
        return undefined;
      default:
        throw new NotHere(pathname);
    }
  }

  /** A size that this branch never had is forgotten, as a log would that was restored from a backup. */
  #known<T extends { readonly last?: number | undefined }>(
    codec: Parameters<typeof encode<T>>[0],
    body: Uint8Array,
  ): Uint8Array {
    const request = decode(codec, body);
    return request.last !== undefined && request.last > this.size
      ? encode(codec, { ...request, last: undefined })
      : body;
  }

  /** The answer to a first walk over a tree whose times decrease, which an honest prover cannot make. */
  async #timelessWalk(): Promise<Uint8Array> {
    const { configuration, suite } = this.log;
    const { treeSize, signature } = this.store.head() as TreeHead;
    const recorded = new RecordedProof(this.store);
    const view = { inspection: new Inspection(recorded, [], () => {}), size: treeSize, configuration };
    await updateView(view, undefined);
    await walkDistinguished(view, { count: 7 }, undefined);
    const distinguished = await recorded.proof(view.inspection, { size: treeSize });
    return encode(wireFormat(suite, configuration).DistinguishedResponse, {
      fullTreeHead: { headType: "updated", treeHead: { treeSize, signature } },
      distinguished,
    });
  }
}
