import { AuditorTreeHead, AuditorTreeHeadTBS } from "@mls-as/keytrans";
import { decode, encode } from "@mls-as/tls-codec";
import type { Context } from "./context.js";
import { rootAt } from "./log-tree.js";
import { Problem } from "./problem.js";

const SECTION = "Auditor Tree Head Signature";

/**
 * Takes the auditor's signed `AuditorTreeHead`, which users are shown from now on. Its signature is its authorisation.
 * @throws Problem wrong-mode, malformed, invalid-auditor-head
 */
export async function acceptAuditorTreeHead(context: Context, bytes: Uint8Array): Promise<void> {
  const { configuration, store, suite } = context;
  if (configuration.mode !== "thirdPartyAuditing")
    throw new Problem("wrong-mode", "this log has no auditor", { section: "Auditing" });
  const { timestamp, treeSize, signature } = decode(AuditorTreeHead, bytes);
  const head = await store.head();
  const refuse = (path: string, detail: string): Problem =>
    new Problem("invalid-auditor-head", detail, { path, section: SECTION });
  if (head === undefined || treeSize === 0 || treeSize > head.treeSize)
    throw refuse("treeSize", "the log never had that many entries");
  const before = head.auditorTreeHead === undefined ? undefined : decode(AuditorTreeHead, head.auditorTreeHead);
  if (before !== undefined && treeSize < before.treeSize) throw refuse("treeSize", "an earlier head covers more");
  if (before !== undefined && timestamp < before.timestamp)
    throw refuse("timestamp", "it is before the earlier head's");
  if (timestamp > head.timestamp) throw refuse("timestamp", "it is after that of the newest log entry");
  if (BigInt(treeSize) <= configuration.auditorStartPos)
    throw refuse("treeSize", `the auditor begins at entry ${configuration.auditorStartPos}`);
  const root = await rootAt(store, treeSize);
  const signed = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root });
  const key = suite.importSignatureKey(configuration.auditorPublicKey);
  if (!(await key.verify(signed, signature))) throw refuse("signature", "it does not verify over this log's root");
  await store.saveAuditorTreeHead(bytes);
}

/**
 * Users refuse a tree head whose auditor lags behind by more than `max_auditor_lag`. Up to then they are served with the
 * auditor's old head; from then on the log says so itself instead of sending what would not verify, unless the operator
 * wants it sent (`auditor_failure`).
 * @throws Problem auditor-late
 */
export async function assertAudited({ configuration, store, config }: Context): Promise<void> {
  if (configuration.mode !== "thirdPartyAuditing") return;
  const head = await store.head();
  if (head === undefined) return;
  const late = (detail: string): Problem => new Problem("auditor-late", detail, { section: SECTION, retryAfter: 30 });
  if (head.auditorTreeHead === undefined) throw late("the auditor has not signed yet");
  if (config.auditorFailure === "open") return;
  const { timestamp } = decode(AuditorTreeHead, head.auditorTreeHead);
  if (head.timestamp - timestamp > Number(configuration.maxAuditorLag))
    throw late(`the auditor is ${Math.round((head.timestamp - timestamp) / 1000)} s behind the newest entry`);
}
