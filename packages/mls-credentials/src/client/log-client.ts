import { Configuration, KeytransError, logId as logIdOf, nobleSuite, type Suite } from "@mls-as/keytrans";
import {
  type ClientState,
  createClient,
  decodeClientState,
  encodeClientState,
  type Prepared,
} from "@mls-as/keytrans/client";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import type { DeviceEvidence } from "../acceptance-basis.js";
import { bytesKey } from "../bytes-key.js";
import { type DeviceList, deviceListHash } from "../device-list.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import type { LogProof } from "../ghost/index.js";
import { identityBytes } from "../identity/identity-uri.js";
import { ClientError } from "./client-error.js";
import { type Fetch, platformFetch, requestBytes } from "./service-request.js";

export interface LogClientOptions {
  readonly url: string;
  /** The log that is trusted, 32 bytes: from the policy, a group's pin, or the user. */
  readonly logId: Uint8Array;
  readonly fetch?: Fetch;
  /** The suite's implementation; pure JavaScript by default, `nodeSuite` is faster on Node. */
  readonly suite?: (id: number) => Suite | Promise<Suite>;
  /** What an earlier client's `exportState` returned: what was seen once is never forgotten. */
  readonly state?: Uint8Array;
}

/** A device list with the proof that it is the greatest version, or the version that was asked for. */
export interface ProvenList extends DeviceEvidence {
  readonly value: Uint8Array;
  /** The log's root and size at which it was proven. */
  readonly treeSize: number;
  readonly root: Uint8Array;
  /** Whether the log's proof ends right of the last distinguished entry, so that it is to be monitored. */
  readonly monitor: boolean;
  readonly proof: LogProof;
}

/** One device's view of one log: every answer is verified against everything seen before. */
export interface LogClient {
  readonly logId: Uint8Array;
  /** The greatest version of a user's device list. `now` in milliseconds. @throws ClientError */
  lookup(user: string, now?: number): Promise<ProvenList>;
  /** One version of a user's device list, proven to be in the log. @throws ClientError */
  lookupVersion(user: string, version: number, now?: number): Promise<ProvenList>;
  /** Everything to be kept over restarts. */
  exportState(): Uint8Array;
}

/** Fetches a log's configuration, checks that it is the trusted log's, and returns a client for it. @throws ClientError */
export async function openLog(options: LogClientOptions): Promise<LogClient> {
  const fetch = options.fetch ?? platformFetch();
  const bytes = await requestBytes(fetch, `${options.url}/v1/configuration`, { method: "GET" });
  const configuration = readConfiguration(bytes, options.logId);
  const suite = await (options.suite ?? defaultSuite)(configuration.ciphersuite);
  const kt = createClient({ suite, configuration });
  let state = options.state === undefined ? kt.initialState() : restore(options.state);
  const known = new Map<string, string>();
  let last: Promise<unknown> = Promise.resolve();

  const search = async (user: string, version: number | undefined, now: number): Promise<ProvenList> => {
    const label = identityBytes(user);
    const prepared = kt.prepareSearch(state, { label, ...(version === undefined ? {} : { version }) });
    const response = await requestBytes(fetch, `${options.url}/v1/search`, {
      method: "POST",
      type: "application/octet-stream",
      body: prepared.request,
    });
    const { result, state: next } = await verified(prepared, response, now);
    const list = readList(result.value, user, result.version, options.logId, known);
    state = next;
    known.set(`${user} ${result.version}`, bytesKey(deviceListHash(result.value)));
    return {
      list,
      value: result.value,
      logId: options.logId,
      position: result.treeSize - 1,
      provenAt: Math.floor(result.timestamp / 1000),
      source: "search",
      treeSize: result.treeSize,
      root: result.root,
      monitor: result.monitor,
      proof: {
        configuration: bytesKey(bytes),
        request: bytesKey(prepared.request),
        response: bytesKey(response),
        now,
        recent: kt.setting.recent,
      },
    };
  };
  // One state is one linear history: requests wait for each other.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    logId: options.logId,
    lookup: (user, now = Date.now()) => inTurn(() => search(user, undefined, now)),
    lookupVersion: (user, version, now = Date.now()) => inTurn(() => search(user, version, now)),
    exportState: () => encodeClientState(state),
  };
}

function defaultSuite(id: number): Suite {
  if (id !== 1 && id !== 2) throw new ClientError("wrong-log", "configuration.ciphersuite", `unknown suite ${id}`);
  return nobleSuite(id);
}

/** Reads a `Configuration` and checks that it is the trusted log's. @throws ClientError */
export function readConfiguration(bytes: Uint8Array, trusted: Uint8Array): Configuration {
  let configuration: Configuration;
  try {
    configuration = decode(Configuration, bytes);
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new ClientError("malformed-answer", "configuration", cause.message, { cause });
  }
  if (!equalBytes(logIdOf(configuration), trusted))
    throw new ClientError("wrong-log", "configuration", "not the configuration of the trusted log");
  return configuration;
}

function restore(bytes: Uint8Array): ClientState {
  try {
    return decodeClientState(bytes);
  } catch (cause) {
    throw new ClientError("invalid-state", "state", "not a stored log state", { cause });
  }
}

/** Verifies a response; the caller takes the next state only if it returns. @throws ClientError `invalid-proof` */
export async function verified<R>(
  prepared: Prepared<R>,
  response: Uint8Array,
  now: number,
): Promise<{ result: R; state: ClientState }> {
  try {
    return await prepared.verify(response, now);
  } catch (cause) {
    if (!(cause instanceof KeytransError)) throw cause;
    throw new ClientError("invalid-proof", cause.path, `${cause.code}: ${cause.message}`, { cause });
  }
}

function readList(
  value: Uint8Array,
  user: string,
  version: number,
  logId: Uint8Array,
  known: ReadonlyMap<string, string>,
): DeviceList {
  const before = known.get(`${user} ${version - 1}`);
  try {
    const list = checkDeviceList(value, { label: user, version, logId });
    if (before !== undefined && bytesKey(list.previousHash) !== before)
      throw new DeviceListError("previous-hash-mismatch", "previousHash", "does not continue the version before");
    return list;
  } catch (cause) {
    if (!(cause instanceof DeviceListError)) throw cause;
    throw new ClientError("answer-not-logged", cause.path, `${cause.code}: ${cause.message}`, { cause });
  }
}
