import { encode } from "@mls-as/tls-codec";
import { batchProofElements } from "../log-tree/batch-proof.js";
import { rootValue } from "../log-tree/hashing.js";
import { fullSubtrees } from "../log-tree/subtrees.js";
import { AuditorCheckpoint, AuditorTreeHead, AuditorTreeHeadTBS } from "../structs/index.js";
import { currentHead, decodeRequest, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";
import type { StoredEntry } from "./store.js";

const SECTION = "Auditor Tree Head Signature";

/** The newest tree as an encoded `AuditorCheckpoint`, from which an auditor can begin. @throws ProverError wrong-mode */
export async function auditorCheckpoint(setting: ProverSetting): Promise<Uint8Array> {
  const { configuration, store } = setting;
  if (configuration.mode !== "thirdPartyAuditing")
    throw new ProverError("wrong-mode", "the log has no auditor", "Auditing");
  const { treeSize, signature } = await currentHead(setting);
  const [entry] = (await store.entries([treeSize - 1])) as [StoredEntry];
  const elements = await store.logNodes(batchProofElements({ size: treeSize, leaves: [treeSize - 1] }));
  return encode(AuditorCheckpoint, {
    treeHead: { treeSize, signature },
    entry: { timestamp: entry.timestamp, prefixTree: entry.prefixRoot },
    inclusion: { elements },
  });
}

/**
 * Checks an auditor's head against this log before it is shown to users. @returns its tree size
 * @throws ProverError wrong-mode, invalid-auditor-head
 */
export async function checkAuditorTreeHead(setting: ProverSetting, bytes: Uint8Array): Promise<number> {
  const { configuration, suite, store } = setting;
  if (configuration.mode !== "thirdPartyAuditing")
    throw new ProverError("wrong-mode", "the log has no auditor", SECTION);
  const { timestamp, treeSize, signature } = decodeRequest(AuditorTreeHead, SECTION, bytes);
  const refuse = (why: string, path: string) => new ProverError("invalid-auditor-head", why, SECTION, path);
  const head = await currentHead(setting);
  if (treeSize === 0 || treeSize > head.treeSize) throw refuse("not a size of this log", "treeSize");
  const [entry] = await store.entries([treeSize - 1]);
  if (entry?.timestamp !== timestamp) throw refuse("not the timestamp of its rightmost entry", "timestamp");
  const root = rootValue(suite, treeSize, await store.logNodes(fullSubtrees(treeSize)));
  const tbs = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root });
  if (!(await suite.importSignatureKey(configuration.auditorPublicKey).verify(tbs, signature)))
    throw refuse("the signature does not fit this log's root", "signature");
  return treeSize;
}
