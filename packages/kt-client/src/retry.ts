/** When a failed request is sent again. All operations of the log are idempotent, updates included. */
export interface RetryPolicy {
  /** Requests in all, the first included; at least 1. */
  readonly attempts: number;
  /** Wait before the second request, milliseconds; doubles each time. */
  readonly firstDelay: number;
  /** No wait of one's own choosing is longer, milliseconds. */
  readonly maxDelay: number;
  /** A longer wait that the log asks for is not waited: the failure is reported with it. Milliseconds. */
  readonly maxRetryAfter: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 4, firstDelay: 250, maxDelay: 8000, maxRetryAfter: 30_000 };

/**
 * How long to wait before request number `next` (2, 3, …), milliseconds: exponential with jitter, and not before the
 * log's Retry-After. Undefined: give up.
 */
export function delayBefore(
  next: number,
  policy: RetryPolicy,
  retryAfter: number | undefined,
  random: () => number,
): number | undefined {
  if (next > policy.attempts || (retryAfter ?? 0) > policy.maxRetryAfter) return undefined;
  const backoff = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (next - 2));
  // Between half and all of it, so that clients that failed together do not come back together.
  const jittered = backoff * (0.5 + random() / 2);
  return retryAfter === undefined ? jittered : retryAfter + jittered * Number(retryAfter > 0);
}

/** Retry-After (RFC 9110): seconds, or a date. Milliseconds from `now`; undefined where absent or unreadable. */
export function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const date = /^[A-Z][a-z]{2},/.test(header.trim()) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
