/** Steps of a commit, and of pruning, at which a test may have the process killed. */
export const FAILPOINTS = [
  /** Changes were taken off the queue; nothing was computed. */
  "batch-taken",
  /** The entry was derived and its head signed; nothing was written. */
  "entry-signed",
  "before-head-moved",
  /** Inside the transaction, before its first row. */
  "rows-writing",
  /** Inside the transaction, after its last row. */
  "head-moving",
  /** The entry is durable; nobody was told. */
  "after-head-moved",
  /** The highest head was written beside the database; nobody was told. */
  "head-remembered",
  /** A piece of pruning is durable. */
  "pruning",
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** Kills this process, as `kill -9` would, when KT_LOG_FAILPOINT names this step. Never in production. */
export function failpoint(step: Failpoint): void {
  if (process.env["KT_LOG_FAILPOINT"] === step && process.env["NODE_ENV"] !== "production")
    process.kill(process.pid, "SIGKILL");
}
