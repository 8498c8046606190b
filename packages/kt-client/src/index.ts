export { LogClientError, type LogClientErrorCode, type LogClientErrorDetail } from "./client-error.js";
export { type KnownLog, knownLog, type KnownLogOptions, type SuiteSource } from "./configuration.js";
export type { Exchange } from "./exchange.js";
export { type IndexedDbFactory, type IndexedDbStoreOptions, indexedDbStateStore } from "./indexed-db-store.js";
export {
  type LogClient,
  type LogClientOptions,
  logClient,
  openLogClient,
  type Proven,
  readStoredState,
  type Step,
  writeStoredState,
} from "./log-client.js";
export {
  type Answered,
  connectLog,
  fetchConfiguration,
  type LogConnection,
  type LogConnectionOptions,
} from "./log-connection.js";
export type { ProblemDocument } from "./problem-document.js";
export { DEFAULT_RETRY, type RetryPolicy } from "./retry.js";
export { memoryStateStore, type StateStore, type StoredState } from "./state-store.js";
export {
  type Authorize,
  type BodyReader,
  createTransport,
  type Fetch,
  type FetchInit,
  type FetchResponse,
  type Message,
  type Transport,
  type TransportOptions,
} from "./transport.js";
