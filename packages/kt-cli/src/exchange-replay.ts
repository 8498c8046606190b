import {
  ContactMonitorRequest,
  DistinguishedRequest,
  OwnerInitRequest,
  OwnerMonitorRequest,
  SearchRequest,
  UpdateRequest,
} from "@mls-as/keytrans";
import {
  type ClientState,
  type ContactMonitorResult,
  createClient,
  decodeClientState,
  type DistinguishedResult,
  type KtClient,
  type OwnerInitResult,
  type OwnerMonitorResult,
  type Prepared,
  type ProvenTree,
  type SearchResult,
  type UpdateResult,
} from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { type Exchange, type KnownLog, knownLog } from "@mls-as/kt-client";
import { decode, equalBytes } from "@mls-as/tls-codec";
import { Failure } from "./failure.js";

/** What an exchange says, by its operation. */
export type Replayed =
  | {
      readonly operation: "search";
      readonly result: SearchResult;
      readonly label: Uint8Array;
      readonly wanted: number | undefined;
    }
  | { readonly operation: "distinguished"; readonly result: DistinguishedResult }
  | { readonly operation: "contactMonitor"; readonly result: ContactMonitorResult; readonly label: Uint8Array }
  | { readonly operation: "ownerInit"; readonly result: OwnerInitResult; readonly label: Uint8Array }
  | { readonly operation: "ownerMonitor"; readonly result: OwnerMonitorResult; readonly label: Uint8Array }
  | { readonly operation: "update"; readonly result: UpdateResult; readonly label: Uint8Array };

export interface Replay {
  readonly log: KnownLog;
  readonly before: ClientState;
  readonly after: ClientState;
  readonly said: Replayed;
  /** The tree that the answer proves, bound to the log's signature. */
  readonly proven: ProvenTree;
}

/** The log of an encoded configuration, with the fast suite. */
export const logOf = (configuration: Uint8Array, recent?: number): Promise<KnownLog> =>
  knownLog(configuration, { suite: nodeSuite, ...(recent === undefined ? {} : { recent }) });

/**
 * Verifies an exchange again, from its bytes alone. `from`: another state than the one it was made from.
 * @throws KeytransError where it does not verify; Failure where the request does not belong to the state
 */
export async function replay(exchange: Exchange, from?: ClientState): Promise<Replay> {
  const log = await logOf(exchange.configuration, exchange.recent);
  const before = from ?? decodeClientState(exchange.state);
  let proven: ProvenTree | undefined;
  const { suite, configuration, recent } = log.kt.setting;
  const kt = createClient({ suite, configuration, recent, observed: (tree) => (proven = tree) });
  const [prepared, name] = prepare(kt, before, exchange);
  if (from === undefined && !equalBytes(prepared.request, exchange.request))
    throw new Failure("file-malformed", "the request does not belong to the state in the file", {
      path: "exchange.request",
    });
  const { result, state } = await prepared.verify(exchange.responses, exchange.now);
  if (proven === undefined) throw new Error("a verified response proves a tree");
  return { log, before, after: state, said: { ...name, result } as Replayed, proven };
}

function prepare(kt: KtClient, state: ClientState, { operation, request }: Exchange): [Prepared<unknown>, object] {
  switch (operation) {
    case "search": {
      const { label, version } = decode(SearchRequest, request);
      return [kt.prepareSearch(state, { label, version }), { operation, label, wanted: version }];
    }
    case "distinguished":
      return [kt.prepareDistinguished(state, decode(DistinguishedRequest, request)), { operation }];
    case "contactMonitor": {
      const { label } = decode(ContactMonitorRequest, request);
      return [kt.prepareContactMonitor(state, { label }), { operation, label }];
    }
    case "ownerInit": {
      const { label, start } = decode(OwnerInitRequest, request);
      return [kt.prepareOwnerInit(state, { label, start }), { operation, label }];
    }
    case "ownerMonitor": {
      const { label } = decode(OwnerMonitorRequest, request);
      return [kt.prepareOwnerMonitor(state, { label }), { operation, label }];
    }
    case "update": {
      const { label, values } = decode(UpdateRequest, request);
      return [kt.prepareUpdate(state, { label, values: values.map(({ value }) => value) }), { operation, label }];
    }
  }
}
