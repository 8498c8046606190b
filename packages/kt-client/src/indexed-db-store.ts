import { LogClientError } from "./client-error.js";
import type { StateStore } from "./state-store.js";

/** The part of IndexedDB that is used, so that no DOM types are needed. The platform's `indexedDB` fits. */
export interface IndexedDbFactory {
  open(name: string, version: number): OpenRequest;
}

interface PendingRequest<T> {
  readonly result: T;
  readonly error: unknown;
  addEventListener(type: "success" | "error" | "upgradeneeded", listener: () => void): void;
}

type OpenRequest = PendingRequest<Database>;

interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: "readonly" | "readwrite", options?: { readonly durability: "strict" }): Transaction;
  close(): void;
}

interface Transaction {
  objectStore(name: string): { get(key: string): PendingRequest<unknown>; put(value: unknown, key: string): unknown };
  readonly error: unknown;
  addEventListener(type: "complete" | "error" | "abort", listener: () => void): void;
}

export interface IndexedDbStoreOptions {
  /** Database name; default `mls-as-kt-client`. */
  readonly database?: string;
  /** Which state of the database, e.g. the log id in hexadecimal. */
  readonly name: string;
  /** Default: the platform's `indexedDB`. */
  readonly factory?: IndexedDbFactory;
}

interface Row {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

const STORE = "states";

/** Keeps the state in a browser, safe among tabs and workers. */
export function indexedDbStateStore({ database, name, factory }: IndexedDbStoreOptions): StateStore {
  const found = factory ?? (globalThis as { readonly indexedDB?: IndexedDbFactory }).indexedDB;
  if (found === undefined) throw new LogClientError("invalid-argument", "factory", "this platform has no IndexedDB");
  const within = async <T>(mode: "readonly" | "readwrite", work: WorkIn<T>): Promise<T> => {
    const opened = await open(found, database ?? "mls-as-kt-client");
    try {
      return await inTransaction(opened, mode, work);
    } finally {
      opened.close();
    }
  };
  return {
    load: () =>
      within("readonly", (rows, done) =>
        rows.read(name, (row) => done(row && { bytes: row.bytes, revision: String(row.revision) })),
      ),
    save: (bytes, expected) =>
      within("readwrite", (rows, done) =>
        rows.read(name, (row) => {
          if ((row && String(row.revision)) !== expected) return done(undefined);
          const revision = (row?.revision ?? 0) + 1;
          rows.put({ bytes: bytes.slice(), revision }, name);
          done(String(revision));
        }),
      ),
  };
}

interface Rows {
  read(key: string, found: (row: Row | undefined) => void): void;
  put(row: Row, key: string): void;
}
type WorkIn<T> = (rows: Rows, done: (result: T) => void) => void;

function open(factory: IndexedDbFactory, name: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, 1);
    request.addEventListener("upgradeneeded", () => void request.result.createObjectStore(STORE));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(failed(request.error)));
  });
}

/** Settles when the transaction is durable, not when its requests are answered. */
function inTransaction<T>(database: Database, mode: "readonly" | "readwrite", work: WorkIn<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const store = transaction.objectStore(STORE);
    let outcome: { readonly value: T } | undefined;
    transaction.addEventListener("complete", () => (outcome ? resolve(outcome.value) : reject(failed("no outcome"))));
    transaction.addEventListener("error", () => reject(failed(transaction.error)));
    transaction.addEventListener("abort", () => reject(failed(transaction.error)));
    work(
      {
        read(key, found) {
          const request = store.get(key);
          request.addEventListener("success", () => found(request.result as Row | undefined));
        },
        put: (row, key) => void store.put(row, key),
      },
      (value) => {
        outcome = { value };
      },
    );
  });
}

function failed(cause: unknown): LogClientError {
  return new LogClientError("store-failed", "indexedDB", String(cause), { cause });
}
