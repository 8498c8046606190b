import { TreeHeadTBS } from "@mls-as/keytrans";
import type { KnownLog } from "@mls-as/kt-client";
import { encode } from "@mls-as/tls-codec";

/** Whether the log signed the tree of this size and root. Draft section "Tree Head Signature". */
export async function isSignedTree(
  log: KnownLog,
  treeSize: number,
  root: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { configuration, signatureKey } = log.kt.setting;
  return await signatureKey.verify(encode(TreeHeadTBS, { config: configuration, treeSize, root }), signature);
}
