import { createTransport, type Exchange, fetchConfiguration, LogClientError } from "@mls-as/kt-client";
import { INITIAL_STATE } from "@mls-as/keytrans/client";
import { equalBytes } from "@mls-as/tls-codec";
import { accuse, convicting, isProven } from "./evidence/accuse.js";
import { hex } from "./bytes-text.js";
import type { Context } from "./context.js";
import { logOf } from "./exchange-replay.js";
import { Failure } from "./failure.js";
import { rememberedWalk, rememberWalk } from "./memory-of-walks.js";
import type { Session } from "./pin.js";

/** Refusals after which it is worth looking whether the log presents another key. */
const KEYS: ReadonlySet<string> = new Set([
  "invalid-tree-head-signature",
  "invalid-vrf-proof",
  "malformed",
  "invalid-auditor-signature",
]);

/** Asks the log, and turns what goes wrong into a failure in plain words. @throws Failure */
export async function asking<T>(context: Context, session: Session, work: () => Promise<T>): Promise<T> {
  const remembered = await rememberedWalk(context, session);
  try {
    const result = await work();
    await compareWalk(context, session, remembered);
    return result;
  } catch (error) {
    throw error instanceof LogClientError ? await failureOf(context, session, error, remembered) : error;
  }
}

/** Looks at the log as a stranger would, and holds that against what is known. @throws Failure misbehaviour */
async function compareWalk(context: Context, session: Session, remembered: Exchange | undefined): Promise<void> {
  const { view } = await session.client.state();
  const exchange = await strangersWalk(session);
  if (exchange === undefined) return;
  const bundle = await convicting(view, remembered, exchange);
  if (bundle === undefined) return rememberWalk(context, session, exchange);
  throw new Failure("misbehaviour", "The log shows a stranger another history than it showed you, and signed both.", {
    reason: "fork",
    section: "Detecting Forks",
    bundle,
  });
}

/** Undefined where the log does not answer once more: what was verified before stands. @throws LogClientError invalid-proof */
async function strangersWalk({ connection }: Session): Promise<Exchange | undefined> {
  try {
    return (await connection.distinguished(INITIAL_STATE)).exchange;
  } catch (error) {
    if (error instanceof LogClientError && error.code !== "invalid-proof") return undefined;
    throw error;
  }
}

async function failureOf(
  context: Context,
  session: Session,
  error: LogClientError,
  remembered: Exchange | undefined,
): Promise<Failure> {
  if (error.code !== "invalid-proof") return plainFailure(error);
  const { violation } = error;
  if (violation !== undefined && KEYS.has(violation.code)) {
    const changed = await unexpectedKey(context, session);
    if (changed !== undefined) return changed;
  }
  return proofFailure(error, session, remembered);
}

/** A failure if the log presents another configuration than the pinned one; undefined also where it does not answer. */
export async function unexpectedKey(context: Context, { pin, connection }: Session): Promise<Failure | undefined> {
  const transport = createTransport({
    url: connection.url,
    fetch: context.fetch,
    clock: context.clock,
    retry: { attempts: 1 },
    signal: context.signal,
  });
  let presented: Uint8Array;
  try {
    presented = await fetchConfiguration(transport);
  } catch (error) {
    if (error instanceof LogClientError) return undefined;
    throw error;
  }
  if (equalBytes(presented, pin.configuration)) return undefined;
  const who = await logOf(presented).then(
    ({ logId }) => (equalBytes(logId, pin.logId) ? "the same log id, with other settings" : `log id ${hex(logId)}`),
    () => "something that is no configuration",
  );
  return new Failure("unexpected-key", `${connection.url} presents ${who}; pinned is log id ${hex(pin.logId)}.`, {
    path: "configuration",
    section: "Tree Head Signature",
    remedy:
      "Ask the operator over another channel. If the log was really replaced, pin the new one under another name: kt init URL --name NAME",
  });
}

async function proofFailure(
  error: LogClientError,
  session: Session,
  remembered: Exchange | undefined,
): Promise<Failure> {
  const { violation } = error;
  const bundle = await accuse(error, session, remembered);
  const detail = {
    reason: violation?.code,
    path: violation?.path,
    section: violation?.section,
    bundle,
    cause: error,
  };
  if (bundle !== undefined && (await isProven(bundle)))
    return new Failure(
      "misbehaviour",
      `The log misbehaved, and its own signatures prove it: ${violation?.message}.`,
      detail,
    );
  if (violation?.code === "fork")
    return new Failure("misbehaviour", `The log showed two trees at once: ${violation.message}.`, detail);
  if (violation?.code === "timestamp-out-of-bounds" || violation?.code === "invalid-tree-size")
    return new Failure("stale", `The log answers with an old or impossible head: ${violation.message}.`, {
      ...detail,
      remedy: "Try again, also from another network. A log that stays behind withholds what happened since.",
    });
  return new Failure("unverifiable", `The answer does not verify (${violation?.code}): ${violation?.message}.`, {
    ...detail,
    remedy:
      "Nothing was accepted. Try from another network; if it persists, hand the evidence file to others who watch this log.",
  });
}

/** What went wrong before there was anything to verify. */
export function plainFailure(error: LogClientError): Failure {
  const detail = { reason: error.problem?.code ?? error.code, path: error.path, section: error.section, cause: error };
  const said = error.problem?.detail ?? error.problem?.title;
  switch (error.code) {
    case "wrong-log":
      return new Failure("unexpected-key", `Not the pinned log: ${error.message}.`, detail);
    case "refused":
      return new Failure("refused", `The log refused: ${said ?? error.message}.`, {
        ...detail,
        remedy: error.problem?.remedy,
      });
    case "invalid-argument":
      return new Failure("usage", error.message, detail);
    case "invalid-state":
    case "store-failed":
    case "state-conflict":
      return new Failure("file-unreadable", `The stored state cannot be used: ${error.message}.`, detail);
    default:
      return new Failure("unreachable", `The log cannot be reached: ${said ?? error.message}.`, detail);
  }
}
