/** Steps of issuance and revocation at which a test may have the process killed. */
export type Failpoint =
  | "intent-journaled"
  | "logged"
  | "signed"
  | "done"
  | "answered"
  | "revoked"
  | "revocation-journaled"
  | "revocation-logged";

/** Kills this process, as `kill -9` would, when MLS_AS_FAILPOINT names this step. Never in production. */
export function failpoint(step: Failpoint): void {
  if (process.env["MLS_AS_FAILPOINT"] === step && process.env["NODE_ENV"] !== "production")
    process.kill(process.pid, "SIGKILL");
}
