import type { Context } from "./context.js";

/** Places where tests kill the process, to show that it goes on from there. `NAME` or `NAME:COUNT` in KT_FAILPOINT. */
export type FailpointName = "audit-processed" | "audit-saving" | "audit-saved" | "audit-signed" | "audit-posted";

const passed = new Map<FailpointName, number>();

export function failpoint({ environment }: Context, name: FailpointName): void {
  if (environment["NODE_ENV"] === "production") return;
  const [wanted, count] = (environment["KT_FAILPOINT"] ?? "").split(":");
  if (wanted !== name) return;
  const times = (passed.get(name) ?? 0) + 1;
  passed.set(name, times);
  if (times >= Number(count ?? 1)) process.kill(process.pid, "SIGKILL");
}
