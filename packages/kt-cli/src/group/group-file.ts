import {
  ExtensionType,
  GroupInfo,
  MLSMessage,
  preflightGroupInfo,
  RatchetTree,
  tryDecodeExtension,
  type Violation,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { tryDecode, type Codec } from "@mls-as/tls-codec";
import { Failure } from "../failure.js";

/** What a file says of a group. */
export interface GroupFile {
  readonly kind: "GroupInfo" | "ratchet tree";
  readonly tree: RatchetTree;
  /** Of a GroupInfo: the group, and every rule that it or its tree breaks. */
  readonly group?: {
    readonly groupId: Uint8Array;
    readonly epoch: bigint;
    readonly cipherSuite: number;
    readonly violations: readonly Violation[];
  };
}

/**
 * Reads a group from a file of any MLS library: a GroupInfo or the `ratchet_tree` extension's content, bare or in an
 * MLSMessage, as bytes, base64 or hexadecimal.
 * Lifetimes of KeyPackages are not judged: they mattered when the members joined.
 *
 * @throws Failure file-malformed
 */
export async function readGroupFile(bytes: Uint8Array, path: string): Promise<GroupFile> {
  for (const candidate of spellings(bytes)) {
    const message = read(MLSMessage, candidate);
    if (message?.wireFormat === "groupInfo") return await ofGroupInfo(candidate, path, message.groupInfo, true);
    const groupInfo = read(GroupInfo, candidate);
    if (groupInfo !== undefined) return await ofGroupInfo(candidate, path, groupInfo, false);
    const tree = read(RatchetTree, candidate);
    if (tree !== undefined && tree.length > 0) return { kind: "ratchet tree", tree };
  }
  throw new Failure("file-malformed", `${path} holds neither a GroupInfo nor a ratchet tree.`, {
    path,
    section: "Group Info",
    remedy: "Export the GroupInfo with its ratchet_tree extension, or the tree itself, from your MLS library.",
  });
}

async function ofGroupInfo(bytes: Uint8Array, path: string, groupInfo: GroupInfo, framed: boolean): Promise<GroupFile> {
  const carried = tryDecodeExtension(groupInfo.extensions, ExtensionType.ratchetTree, RatchetTree);
  if (carried?.ok !== true)
    throw new Failure("file-malformed", `${path} is a GroupInfo without its ratchet tree.`, {
      path,
      section: "Ratchet Tree Extension",
      remedy: "Export it with the ratchet_tree extension, or give the tree's file instead.",
    });
  const rule = framed ? ({ framing: "mls-message" } as const) : {};
  const { violations } = await preflightGroupInfo(nodeProvider, bytes, rule);
  const { groupId, epoch, cipherSuite } = groupInfo.groupContext;
  return { kind: "GroupInfo", tree: carried.value, group: { groupId, epoch, cipherSuite, violations } };
}

function read<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  const decoded = tryDecode(codec, bytes);
  return decoded.ok ? decoded.value : undefined;
}

/** The bytes themselves, and what they spell when they are text. */
function* spellings(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytes;
  if (bytes.some((byte) => byte > 0x7e)) return;
  const text = new TextDecoder().decode(bytes).replaceAll(/-----[A-Z ]+-----|\s+/g, "");
  if (/^([0-9a-f]{2})+$/i.test(text)) yield new Uint8Array(Buffer.from(text, "hex"));
  if (/^[\w+/-]+={0,2}$/.test(text)) yield new Uint8Array(Buffer.from(text, "base64url"));
}
