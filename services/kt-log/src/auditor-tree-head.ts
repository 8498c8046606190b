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
  if (timestamp > context.clock() + Number(configuration.maxAhead)) throw refuse("timestamp", "it lies in the future");
  const root = await rootAt(store, treeSize);
  const signed = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root });
  const key = suite.importSignatureKey(configuration.auditorPublicKey);
  if (!(await key.verify(signed, signature))) throw refuse("signature", "it does not verify over this log's root");
  await store.saveAuditorTreeHead(bytes);
}
