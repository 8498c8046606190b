import { KeytransError } from "@mls-as/keytrans";
import { type ClientState, decodeClientState, encodeClientState } from "@mls-as/keytrans/client";
import { bytes, CodecError, decode, encode, equalBytes, opaque, refined, struct, uint16 } from "@mls-as/tls-codec";
import { LogClientError } from "./client-error.js";
import { type Answered, connectLog, type LogConnection, type LogConnectionOptions } from "./log-connection.js";
import { memoryStateStore, type StateStore } from "./state-store.js";

export interface LogClientOptions extends LogConnectionOptions {
  /** Default: memory. */
  readonly store?: StateStore | undefined;
}

/** What an operation did, without the state, which is in the store. */
export type Proven<R> = Omit<Answered<R>, "state">;

type Operation<Name extends keyof LogConnection> = LogConnection[Name] extends (
  state: ClientState,
  ...rest: infer Rest
) => Promise<Answered<infer R>>
  ? (...rest: Rest) => Promise<Proven<R>>
  : never;

/**
 * One user's view of one log, kept in a store. Operations of one client wait for each other, since a state is one linear
 * history; clients that share a store (other processes, other tabs) are noticed, and the operation is made again from
 * the newer state. A state is stored only after everything was verified. All throw `LogClientError`.
 */
export interface LogClient {
  readonly connection: LogConnection;
  readonly search: Operation<"search">;
  readonly distinguished: Operation<"distinguished">;
  readonly contactMonitor: Operation<"contactMonitor">;
  readonly ownerInit: Operation<"ownerInit">;
  readonly ownerMonitor: Operation<"ownerMonitor">;
  /** Made again after a conflict, it may find its own values there already: `created` is false and they are equal. */
  readonly update: Operation<"update">;
  /** The stored state. */
  state(): Promise<ClientState>;
  /**
   * Several requests as one step: `work` starts from the stored state, and what it returns is stored if nobody changed
   * the store meanwhile; else `work` runs again from the newer state. Nothing is stored when it throws.
   */
  transact<T>(work: (state: ClientState, connection: LogConnection) => Promise<Step<T>>): Promise<T>;
}

export interface Step<T> {
  readonly result: T;
  readonly state: ClientState;
}

/** How often a step is made again because another process was faster. */
const MAX_CONFLICTS = 8;

/** @throws LogClientError */
export async function openLogClient(options: LogClientOptions): Promise<LogClient> {
  return logClient(await connectLog(options), options.store ?? memoryStateStore());
}

/** A client over a connection that exists. */
export function logClient(connection: LogConnection, store: StateStore): LogClient {
  let last: Promise<unknown> = Promise.resolve();

  const load = async (): Promise<{ state: ClientState; revision: string | undefined }> => {
    const stored = await store.load();
    if (stored === undefined) return { state: connection.kt.initialState(), revision: undefined };
    return { state: readStoredState(stored.bytes, connection.logId), revision: stored.revision };
  };
  const attempt = async <T>(work: (state: ClientState, c: LogConnection) => Promise<Step<T>>): Promise<T> => {
    let lost: ClientState | undefined;
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts++) {
      const { state: before, revision } = await load();
      if (lost !== undefined) assertOneHistory(before, lost);
      const { result, state } = await work(before, connection);
      if (state === before) return result;
      const saved = await store.save(writeStoredState(state, connection.logId), revision);
      if (saved !== undefined) return result;
      lost = state;
    }
    throw new LogClientError("state-conflict", "store", "others keep changing the state; try again");
  };
  const transact = <T>(work: (state: ClientState, c: LogConnection) => Promise<Step<T>>): Promise<T> => {
    const turn = last.then(() => attempt(work));
    last = turn.catch(() => undefined);
    return turn;
  };
  const step = <R>(ask: (state: ClientState) => Promise<Answered<R>>): Promise<Proven<R>> =>
    transact(async (before) => {
      const { result, state, exchange } = await ask(before);
      return { result: { result, exchange }, state };
    });
  return {
    connection,
    search: (search) => step((state) => connection.search(state, search)),
    distinguished: (walk) => step((state) => connection.distinguished(state, walk)),
    contactMonitor: (monitor) => step((state) => connection.contactMonitor(state, monitor)),
    ownerInit: (init) => step((state) => connection.ownerInit(state, init)),
    ownerMonitor: (monitor) => step((state) => connection.ownerMonitor(state, monitor)),
    update: (update) => step((state) => connection.update(state, update)),
    state: async () => (await load()).state,
    transact,
  };
}

/** Two verified views of one size must be one tree, also when only one of them can be kept. */
function assertOneHistory({ view: kept }: ClientState, { view: lost }: ClientState): void {
  if (kept?.treeHead.treeSize !== lost?.treeHead.treeSize || kept === undefined || lost === undefined) return;
  if (equalBytes(kept.root, lost.root)) return;
  const cause = new KeytransError("fork", "two signed trees of one size", "Detecting Forks", "treeHead");
  throw new LogClientError("invalid-proof", "treeHead", `fork: ${cause.message}`, { cause });
}

const StoredClient = struct({
  format: refined(uint16, (format) => (format === 1 ? undefined : `unknown format ${format}`)),
  logId: bytes(32),
  state: opaque(0, 2 ** 32 - 1),
});

/** A state with the log it belongs to, as a store keeps it. */
export function writeStoredState(state: ClientState, logId: Uint8Array): Uint8Array {
  return encode(StoredClient, { format: 1, logId, state: encodeClientState(state) });
}

/** @throws LogClientError invalid-state, wrong-log */
export function readStoredState(stored: Uint8Array, logId: Uint8Array): ClientState {
  try {
    const { logId: owner, state } = decode(StoredClient, stored);
    if (!equalBytes(owner, logId)) throw new LogClientError("wrong-log", "store", "the stored state is another log's");
    return decodeClientState(state);
  } catch (cause) {
    if (!(cause instanceof CodecError) && !(cause instanceof KeytransError)) throw cause;
    throw new LogClientError("invalid-state", "store", cause.message, { cause });
  }
}
