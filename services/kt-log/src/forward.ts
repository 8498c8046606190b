import type { Leadership } from "./storage/leadership.js";
import { Problem } from "./problem.js";

const FORWARDED = "x-kt-log-forwarded";
const PATIENCE_MILLISECONDS = 10_000;

/**
 * Hands an update to the process that makes the log entries, and its answer back. An update is idempotent, so that the
 * caller may repeat it whatever happened on the way. @throws Problem no-leader
 */
export async function forwardUpdate(
  leadership: Leadership,
  path: string,
  headers: Headers,
  body: Uint8Array,
): Promise<Response> {
  const none = (): Problem => new Problem("no-leader", undefined, { retryAfter: 1 });
  if (headers.has(FORWARDED)) throw none();
  const url = await leadership.leaderUrl();
  if (url === undefined) throw none();
  try {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/octet-stream",
        authorization: headers.get("authorization") ?? "",
        [FORWARDED]: "1",
        prefer: headers.get("prefer") ?? "",
      },
      body: body.slice().buffer,
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      redirect: "error",
    });
    const kept = ["content-type", "cache-control", "retry-after", "preference-applied"].flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value] as [string, string]];
    });
    const answer = response.status === 204 ? null : await response.arrayBuffer();
    return new Response(answer, { status: response.status, headers: kept });
  } catch {
    throw none();
  }
}
