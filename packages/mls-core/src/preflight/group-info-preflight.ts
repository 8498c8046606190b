import { checkGroupInfo, type GroupInfoRule } from "../checks/group-info-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { ExtensionType } from "../types/extension.js";
import { tryDecodeExtension } from "../types/extension-content.js";
import { GroupInfo } from "../types/group-context.js";
import { RatchetTree } from "../types/ratchet-tree.js";
import { decodeMessage, decodeWithin, judge, type PreflightLimits, type Verdict } from "./verdict.js";

/** A GroupInfo and the tree that was judged with it. */
export interface JudgedGroup {
  readonly groupInfo: GroupInfo;
  readonly tree: RatchetTree | undefined;
}

/** What a GroupInfo is judged against, and how much of it. */
export interface GroupInfoPreflight extends Omit<GroupInfoRule, "tree">, PreflightLimits {
  /** The encoded tree when it comes beside the GroupInfo. */
  readonly ratchetTree?: Uint8Array | undefined;
  /** Most leaves that will be looked at; default 2^20. */
  readonly maximumLeaves?: number | undefined;
}

/**
 * Judges a GroupInfo and its tree before joining, by Welcome (with the decrypted GroupInfo) or by external commit. Work is
 * bounded by the input's length. Never throws on hostile input.
 *
 * @param bytes a GroupInfo, or with `framing: "mls-message"` an MLSMessage that holds one
 */
export async function preflightGroupInfo(
  provider: CryptoProvider,
  bytes: Uint8Array,
  rule: GroupInfoPreflight = {},
): Promise<Verdict<JudgedGroup>> {
  return await judge(async (violations) => {
    const groupInfo =
      rule.framing === "mls-message"
        ? decodeMessage("groupInfo", bytes, rule, violations)?.groupInfo
        : decodeWithin(GroupInfo, bytes, rule, violations);
    if (groupInfo === undefined) return { value: undefined, found: [] };
    const beside = rule.ratchetTree && decodeWithin(RatchetTree, rule.ratchetTree, rule, violations.at("ratchet_tree"));
    if (rule.ratchetTree !== undefined && beside === undefined)
      return { value: { groupInfo, tree: undefined }, found: [] };
    const carried = tryDecodeExtension(groupInfo.extensions, ExtensionType.ratchetTree, RatchetTree);
    const tree = beside ?? (carried?.ok === true ? carried.value : undefined);
    const value = { groupInfo, tree };
    const maximumLeaves = rule.maximumLeaves ?? 2 ** 20;
    if (tree !== undefined && tree.length > 2 * maximumLeaves - 1) {
      violations.add("too-large", "tree", "Ratchet Tree Extension", `more than ${maximumLeaves} leaves`);
      return { value, found: [] };
    }
    return { value, found: await checkGroupInfo(provider, groupInfo, { ...rule, tree }) };
  });
}
