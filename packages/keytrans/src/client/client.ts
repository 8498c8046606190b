import { type Configuration, wireFormat } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import {
  type CredentialResult,
  type PendingCredential,
  verifyCredential,
  verifyCredentialUpdate,
} from "./credential.js";
import {
  type CredentialQueue,
  type ReceivedCredential,
  type ReceivedUpdate,
  receiveCredential,
  receiveCredentialUpdate,
  type SettledCredentials,
  settleCredentials,
} from "./credential-queue.js";
import { accusing } from "./evidence.js";
import { type DistinguishedResult, prepareDistinguished } from "./distinguished.js";
import {
  type ContactMonitorResult,
  type MonitorArguments,
  type OwnerMonitorResult,
  prepareContactMonitor,
  prepareOwnerMonitor,
} from "./monitor.js";
import type { Prepared } from "./operation.js";
import { type OwnerInitArguments, type OwnerInitResult, prepareOwnerInit } from "./owner-init.js";
import { prepareSearch, type SearchArguments, type SearchResult } from "./search.js";
import { clientSetting } from "./setting.js";
import { type ClientState, INITIAL_STATE } from "./state.js";
import { prepareUpdate, type UpdateArguments, type UpdateResult } from "./update.js";
import type { ClientSetting, ProvenTree } from "./verified-tree.js";

export interface ClientOptions {
  readonly suite: Suite;
  readonly configuration: Configuration;
  /** How many rightmost distinguished entries count as recent; default 7. Must equal the log's. */
  readonly recent?: number;
  /** Told of every tree whose signed head was verified: for those who compare trees. */
  readonly observed?: (proven: ProvenTree) => void;
}

/**
 * A user of one log. It keeps no state of its own: every operation starts from a `ClientState` and gives the next.
 * Two requests made from one state are two histories: keep the outcome of one of them.
 */
export interface KtClient {
  readonly setting: ClientSetting;
  initialState(): ClientState;
  prepareSearch(state: ClientState, search: SearchArguments): Prepared<SearchResult>;
  prepareDistinguished(
    state: ClientState,
    walk?: { readonly stop?: number | undefined },
  ): Prepared<DistinguishedResult>;
  prepareOwnerInit(state: ClientState, init: OwnerInitArguments): Prepared<OwnerInitResult>;
  prepareContactMonitor(state: ClientState, monitor: MonitorArguments): Prepared<ContactMonitorResult>;
  prepareOwnerMonitor(state: ClientState, monitor: MonitorArguments): Prepared<OwnerMonitorResult>;
  prepareUpdate(state: ClientState, update: UpdateArguments): Prepared<UpdateResult>;
  /** Verifies a credential received from its sender; needs distinguished heads in `state`, and does not change it. */
  verifyCredential(state: ClientState, credential: Uint8Array): Promise<CredentialResult>;
  /** Finally verifies a provisional credential. */
  verifyCredentialUpdate(state: ClientState, pending: PendingCredential, update: Uint8Array): Promise<void>;
  /** Verifies a credential, or queues it until its distinguished entry is known. */
  receiveCredential(state: ClientState, queue: CredentialQueue, credential: Uint8Array): Promise<ReceivedCredential>;
  /** Finally verifies a queued provisional credential, or queues the update until the head it leads to is known. */
  receiveCredentialUpdate(state: ClientState, queue: CredentialQueue, update: Uint8Array): Promise<ReceivedUpdate>;
  /** Completes what the distinguished entries in `state` now decide; call it after every walk and owner monitoring. */
  settleCredentials(state: ClientState, queue: CredentialQueue): Promise<SettledCredentials>;
}

/** @throws KeytransError invalid-configuration, also for keys that the suite refuses */
export function createClient({ suite, configuration, recent = 7, observed }: ClientOptions): KtClient {
  const setting: ClientSetting = { ...clientSetting(suite, configuration, recent), ...(observed && { observed }) };
  const wire = wireFormat(suite, configuration);
  return {
    setting,
    initialState: () => INITIAL_STATE,
    prepareSearch: (state, search) =>
      accusing(setting, state, "search", search.label, prepareSearch(setting, wire, state, search)),
    prepareDistinguished: (state, walk) =>
      accusing(setting, state, "distinguished", undefined, prepareDistinguished(setting, wire, state, walk)),
    prepareOwnerInit: (state, init) =>
      accusing(setting, state, "ownerInit", init.label, prepareOwnerInit(setting, wire, state, init)),
    prepareContactMonitor: (state, monitor) =>
      accusing(setting, state, "contactMonitor", monitor.label, prepareContactMonitor(setting, wire, state, monitor)),
    prepareOwnerMonitor: (state, monitor) =>
      accusing(setting, state, "ownerMonitor", monitor.label, prepareOwnerMonitor(setting, wire, state, monitor)),
    prepareUpdate: (state, update) =>
      accusing(setting, state, "update", update.label, prepareUpdate(setting, wire, state, update)),
    verifyCredential: (state, credential) => verifyCredential(setting, wire, state, credential),
    verifyCredentialUpdate: (state, pending, update) => verifyCredentialUpdate(setting, state, pending, update),
    receiveCredential: (state, queue, credential) => receiveCredential(setting, wire, state, queue, credential),
    receiveCredentialUpdate: (state, queue, update) => receiveCredentialUpdate(setting, state, queue, update),
    settleCredentials: (state, queue) => settleCredentials(setting, wire, state, queue),
  };
}
