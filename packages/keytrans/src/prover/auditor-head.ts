import { encode } from "@mls-as/tls-codec";
import { rootValue } from "../log-tree/hashing.js";
import { fullSubtrees } from "../log-tree/subtrees.js";
import { AuditorTreeHead, AuditorTreeHeadTBS } from "../structs/index.js";
import { currentHead, decodeRequest, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";

const SECTION = "Auditor Tree Head Signature";

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
