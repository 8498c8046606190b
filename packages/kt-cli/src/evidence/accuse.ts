import { KeytransError } from "@mls-as/keytrans";
import { decodeClientState, INITIAL_STATE, type TreeView } from "@mls-as/keytrans/client";
import { type Exchange, LogClientError } from "@mls-as/kt-client";
import { CodecError } from "@mls-as/tls-codec";
import { Failure } from "../failure.js";
import type { Session } from "../pin.js";
import type { Bundle } from "./bundle-kinds.js";
import { judge } from "./judge.js";

/** Refusals that a fork causes where the answer alone does not convict. */
const SUSPICIOUS: ReadonlySet<string> = new Set([
  "invalid-tree-head-signature",
  "invalid-tree-size",
  "retained-subtree-mismatch",
  "invalid-auditor-signature",
  "prefix-root-mismatch",
  "non-monotonic-timestamps",
]);

/**
 * The strongest bundle that an answer that did not verify gives. Where a fork is suspected, the log is asked once more,
 * as someone who has never seen it, and its tree is held against those that it signed before. Undefined: no answer.
 */
export async function accuse(
  error: LogClientError,
  session: Session,
  remembered: Exchange | undefined,
): Promise<Bundle | undefined> {
  const { violation, exchange } = error;
  if (violation === undefined || exchange === undefined) return undefined;
  const accusation = bundleOf(violation);
  if (accusation !== undefined && (await isProven(accusation))) return accusation;
  if (SUSPICIOUS.has(violation.code)) {
    const { view } = decodeClientState(exchange.state);
    for (const shown of await freshLook(session, exchange)) {
      const found = "kind" in shown ? shown : await convicting(view, remembered, shown);
      if (found !== undefined) return found;
    }
  }
  if (accusation !== undefined) return accusation;
  return { kind: "unverifiable", exchange, code: violation.code };
}

const bundleOf = (violation: KeytransError | undefined): Bundle | undefined =>
  violation?.evidence && { kind: "exchange", evidence: violation.evidence };

/** What the log shows to someone without a past: the heads, and what the failed request asked for. */
async function freshLook({ connection }: Session, failed: Exchange): Promise<(Exchange | Bundle)[]> {
  const looks: (Exchange | Bundle)[] = [];
  const state = decodeClientState(failed.state);
  const labels = state.labels.flatMap(({ label, monitoring }) => monitoring.map(({ version }) => ({ label, version })));
  const asks = [
    () => connection.distinguished(INITIAL_STATE),
    ...labels.map((search) => () => connection.search(INITIAL_STATE, search)),
  ];
  for (const ask of asks) {
    try {
      looks.push((await ask()).exchange);
    } catch (error) {
      if (!(error instanceof LogClientError)) throw error;
      const accusation = bundleOf(error.violation);
      if (accusation !== undefined && (await isProven(accusation))) return [accusation];
    }
  }
  return looks;
}

/** A bundle out of what was signed before and what is shown now, if it convicts. */
export async function convicting(
  view: TreeView | undefined,
  remembered: Exchange | undefined,
  shown: Exchange,
): Promise<Bundle | undefined> {
  const candidates: Bundle[] = [];
  if (view !== undefined) {
    const { treeSize, signature } = view.treeHead;
    candidates.push({ kind: "signed-root", head: { treeSize, root: view.root, signature }, exchange: shown });
  }
  if (remembered !== undefined) candidates.push({ kind: "fork", exchanges: [remembered, shown] });
  for (const candidate of candidates) if (await isProven(candidate)) return candidate;
  return undefined;
}

export async function isProven(bundle: Bundle): Promise<boolean> {
  try {
    return (await judge(bundle)).verdict === "proven";
  } catch (error) {
    if (error instanceof Failure || error instanceof KeytransError || error instanceof CodecError) return false;
    throw error;
  }
}
