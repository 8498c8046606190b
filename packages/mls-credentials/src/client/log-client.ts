import { TreeHead } from "@mls-as/keytrans";
import type { ClientState, SearchResult } from "@mls-as/keytrans/client";
import {
  type Exchange,
  type LogClient as KtLogClient,
  type LogClientOptions as KtLogClientOptions,
  openLogClient,
} from "@mls-as/kt-client";
import { encode } from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import type { DeviceEvidence } from "../acceptance-basis.js";
import type { DeviceList } from "../device-list.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import type { HeadEvidence, LogProof } from "../ghost/index.js";
import { identityBytes } from "../identity/identity-uri.js";
import { ClientError } from "./client-error.js";

/** How to reach a log: `logId` is the one that is trusted, from the policy, a group's pin, or the user. */
export interface LogClientOptions extends Omit<KtLogClientOptions, "logId"> {
  readonly logId: Uint8Array;
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

/** Device lists out of one log: every answer is verified against everything seen before, which `log`'s store keeps. */
export interface LogClient {
  readonly logId: Uint8Array;
  /** The greatest version of a user's device list. @throws ClientError, LogClientError */
  lookup(user: string): Promise<ProvenList>;
  /** One version of a user's device list, proven to be in the log. @throws ClientError, LogClientError */
  lookupVersion(user: string, version: number): Promise<ProvenList>;
  /**
   * The greatest version again, proven to somebody who has never seen the log: only such a proof convinces others.
   * Must agree with what is known here. @throws ClientError, LogClientError
   */
  lookupForOthers(user: string): Promise<ProvenList>;
  /** Everything else that the log answers. */
  readonly log: KtLogClient;
}

/** Connects to a log and checks that it is the trusted one. @throws LogClientError */
export async function openLog(options: LogClientOptions): Promise<LogClient> {
  const log = await openLogClient(options);
  return deviceListsOf(log);
}

/** Reads device lists through a log client that is there already. */
export function deviceListsOf(log: KtLogClient): LogClient {
  const { connection } = log;
  const proven = (user: string, result: SearchResult, exchange: Exchange): ProvenList => ({
    list: readList(result.value, user, result.version, connection.logId),
    value: result.value,
    logId: connection.logId,
    position: result.treeSize - 1,
    provenAt: Math.floor(result.timestamp / 1000),
    source: "search",
    treeSize: result.treeSize,
    root: result.root,
    monitor: result.monitor,
    proof: proofOf(exchange),
  });
  // A list that is refused must not become part of the view either.
  const search = (user: string, version: number | undefined): Promise<ProvenList> =>
    log.transact(async (state) => {
      const label = identityBytes(user);
      const answer = await connection.search(state, { label, version });
      return { result: proven(user, answer.result, answer.exchange), state: answer.state };
    });
  return {
    logId: connection.logId,
    log,
    lookup: (user) => search(user, undefined),
    lookupVersion: (user, version) => search(user, version),
    async lookupForOthers(user) {
      const label = identityBytes(user);
      for (;;) {
        const { result, exchange, state } = await connection.search(connection.kt.initialState(), { label });
        const known = await search(user, undefined);
        // The log may have grown in between; only trees of one size can be compared.
        if (known.treeSize !== result.treeSize) continue;
        if (bytesKey(known.root) !== bytesKey(result.root)) {
          const heads = [signedHead(log, state, "stranger"), signedHead(log, await log.state(), "lookup")];
          throw new ClientError("split-view", "root", `two trees of ${result.treeSize} entries`, {
            heads: heads.filter((head) => head !== undefined),
          });
        }
        return proven(user, result, exchange);
      }
    },
  };
}

/** The newest head of a view, as the log signed it; undefined where there is no view yet. */
export function signedHead(
  { connection }: KtLogClient,
  { view }: ClientState,
  source: string,
): HeadEvidence | undefined {
  if (view === undefined) return undefined;
  const { treeHead, root } = view;
  return {
    position: treeHead.treeSize - 1,
    root: bytesKey(root),
    source,
    signed: { configuration: bytesKey(connection.configurationBytes), treeHead: bytesKey(encode(TreeHead, treeHead)) },
  };
}

function proofOf({ configuration, request, responses, now, recent }: Exchange): LogProof {
  return {
    configuration: bytesKey(configuration),
    request: bytesKey(request),
    response: bytesKey(responses[0] as Uint8Array),
    now,
    recent,
  };
}

function readList(value: Uint8Array, user: string, version: number, logId: Uint8Array): DeviceList {
  try {
    return checkDeviceList(value, { label: user, version, logId });
  } catch (cause) {
    if (!(cause instanceof DeviceListError)) throw cause;
    throw new ClientError("answer-not-logged", cause.path, `${cause.code}: ${cause.message}`, { cause });
  }
}
