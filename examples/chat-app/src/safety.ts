import { safetyNumber, spokenSafetyNumber } from "@mls-as/mls-credentials";
import { type Account, seconds } from "./account.js";

/** Sixty digits for two people to compare, from what this device last proved about both. */
export function safetyNumberOf(account: Account, [a, b]: readonly string[]): string {
  const [ours, theirs] = [a, b].map((user) => account.devicesOf(user ?? ""));
  if (ours === undefined || theirs === undefined) throw new Error("look both people up first");
  return spokenSafetyNumber(safetyNumber(ours.logId, ours.list, theirs.list, seconds())).join(" ");
}
