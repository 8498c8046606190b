import { encodeEvidence, type Evidence } from "@mls-as/keytrans";
import { verifyEvidence, wrongRootEvidence } from "@mls-as/keytrans/client";
import { type LogClient as KtLogClient, LogClientError } from "@mls-as/kt-client";
import { bytesKey } from "../bytes-key.js";
import type { GhostEvent } from "../ghost/index.js";
import { ClientError } from "./client-error.js";
import { signedHead } from "./log-client.js";

type Accusing = Extract<GhostEvent, { type: "head" | "log-misbehaviour" }>;
/** An event without what its teller adds. */
export type Accusation = Accusing extends infer E ? (E extends Accusing ? Omit<E, "at" | "logId"> : never) : never;

/**
 * What can be held against a log after an answer of its that did not verify. Its own signatures may show the lie at once;
 * else it is asked as a stranger would ask, for what it signs for strangers must agree with what it signed for this device.
 */
export async function* accusations(error: LogClientError | ClientError, log: KtLogClient): AsyncIterable<Accusation> {
  if (error instanceof ClientError) {
    for (const head of error.heads) yield { type: "head", ...head };
    return;
  }
  const { setting } = log.connection.kt;
  const evidence = error.violation?.evidence;
  if (evidence !== undefined && (await verifyEvidence(setting.suite, evidence)).proven) yield misbehaviour(evidence);
  else yield* strangersHeads(log);
}

const misbehaviour = (evidence: Evidence): Accusation => ({
  type: "log-misbehaviour",
  kind: evidence.kind,
  evidence: bytesKey(encodeEvidence(evidence)),
});

/** The proof that a stranger is shown another tree than was signed for this device; else the heads, to be compared with all others. */
async function* strangersHeads(log: KtLogClient): AsyncIterable<Accusation> {
  const { view } = await log.state();
  const fresh = await asStranger(log);
  if (fresh === undefined) return;
  if (view !== undefined) {
    const { request, responses, now } = fresh.exchange;
    const walk = { request, response: responses[0] as Uint8Array, now };
    const stated = { treeHead: view.treeHead, root: view.root };
    const evidence = await wrongRootEvidence(log.connection.kt.setting, stated, walk);
    if (evidence !== undefined) {
      yield misbehaviour(evidence);
      return;
    }
  }
  for (const { position, root } of fresh.state.distinguished)
    yield { type: "head", position, root: bytesKey(root), source: "stranger" };
  const head = signedHead(log, fresh.state, "stranger");
  if (head !== undefined) yield { type: "head", ...head };
}

async function asStranger({ connection }: KtLogClient) {
  try {
    return await connection.distinguished(connection.kt.initialState());
  } catch (error) {
    // Whoever answers cannot even convince a stranger: nothing of it is the log's.
    if (error instanceof LogClientError) return undefined;
    throw error;
  }
}
