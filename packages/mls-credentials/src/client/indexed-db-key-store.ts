import { ClientError } from "./client-error.js";
import { generatePlatformKey, type KeyStore, type PlatformKeyPair, platformDeviceKey } from "./key-store.js";

/** The part of IndexedDB that is used, so that no DOM types are needed. The platform's `indexedDB` fits. */
interface Factory {
  open(name: string, version: number): Request<Database> & { readonly result: Database };
}
interface Request<T> {
  readonly result: T;
  readonly error: unknown;
  addEventListener(type: "success" | "error" | "upgradeneeded", listener: () => void): void;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: "readonly" | "readwrite", options?: { readonly durability: "strict" }): Transaction;
  close(): void;
}
interface Transaction {
  objectStore(name: string): {
    get(key: string): Request<unknown>;
    put(value: unknown, key: string): unknown;
    delete(key: string): unknown;
  };
  readonly error: unknown;
  addEventListener(type: "complete" | "error" | "abort", listener: () => void): void;
}

const STORE = "keys";

/**
 * Keeps non-extractable WebCrypto keys in a browser's IndexedDB: no script, not even this app's, can read them out.
 *
 * @param options.database name of the database; default `mls-as-keys`
 * @throws ClientError `key-missing` where the platform has no IndexedDB
 */
export function indexedDbKeyStore(options: { readonly database?: string; readonly factory?: Factory } = {}): KeyStore {
  const factory = options.factory ?? (globalThis as { readonly indexedDB?: Factory }).indexedDB;
  if (factory === undefined) throw new ClientError("key-missing", "factory", "this platform has no IndexedDB");
  const database = options.database ?? "mls-as-keys";
  const read = (name: string): Promise<PlatformKeyPair | undefined> =>
    inTransaction(factory, database, "readonly", (store) => store.get(name)) as Promise<PlatformKeyPair | undefined>;
  return {
    async generate(name, scheme) {
      const made = await generatePlatformKey(scheme);
      // Two tabs may make a key at once: the first one put stays.
      const known = await inTransaction(factory, database, "readwrite", (store) => {
        const request = store.get(name);
        request.addEventListener("success", () => {
          if (request.result === undefined) store.put(made, name);
        });
        return request;
      });
      return await platformDeviceKey((known as PlatformKeyPair | undefined) ?? made);
    },
    async load(name) {
      const pair = await read(name);
      return pair === undefined ? undefined : await platformDeviceKey(pair);
    },
    async remove(name) {
      await inTransaction(factory, database, "readwrite", (store) => void store.delete(name));
    },
  };
}

async function inTransaction(
  factory: Factory,
  name: string,
  mode: "readonly" | "readwrite",
  work: (store: ReturnType<Transaction["objectStore"]>) => Request<unknown> | undefined,
): Promise<unknown> {
  const database = await opened(factory, name);
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      transaction.addEventListener("complete", () => resolve(request?.result));
      transaction.addEventListener("error", () => reject(failed(transaction.error)));
      transaction.addEventListener("abort", () => reject(failed(transaction.error)));
    });
  } finally {
    database.close();
  }
}

function opened(factory: Factory, name: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, 1);
    request.addEventListener("upgradeneeded", () => void request.result.createObjectStore(STORE));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(failed(request.error)));
  });
}

function failed(cause: unknown): ClientError {
  return new ClientError("key-missing", "indexedDB", "the keys cannot be read or written", { cause });
}
