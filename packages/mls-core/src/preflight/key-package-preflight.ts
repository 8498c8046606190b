import { checkKeyPackage, type KeyPackageRule } from "../checks/key-package-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { KeyPackage } from "../types/key-package.js";
import { decodeMessage, decodeWithin, judge, type PreflightLimits, type Verdict } from "./verdict.js";

/**
 * Judges a KeyPackage before it is used in an Add: decoding, then KeyPackage validation. Never throws on hostile input.
 *
 * @param bytes a KeyPackage, or with `framing: "mls-message"` an MLSMessage that holds one
 */
export async function preflightKeyPackage(
  provider: CryptoProvider,
  bytes: Uint8Array,
  rule: KeyPackageRule & PreflightLimits = {},
): Promise<Verdict<KeyPackage>> {
  return await judge(async (violations) => {
    const value =
      rule.framing === "mls-message"
        ? decodeMessage("keyPackage", bytes, rule, violations)?.keyPackage
        : decodeWithin(KeyPackage, bytes, rule, violations);
    return { value, found: value === undefined ? [] : await checkKeyPackage(provider, value, rule) };
  });
}
