/** Steps of a commit at which a test may have the process killed. */
export type Failpoint = "before-head-moved" | "head-moving" | "after-head-moved";

/** Kills this process, as `kill -9` would, when KT_LOG_FAILPOINT names this step. Never in production. */
export function failpoint(step: Failpoint): void {
  if (process.env["KT_LOG_FAILPOINT"] === step && process.env["NODE_ENV"] !== "production")
    process.kill(process.pid, "SIGKILL");
}
