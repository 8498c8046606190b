import { type Logger, pino } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Members that hold a secret wherever they stand in what is logged, and are masked. */
const SECRETS = ["authorization", "token", "passphrase", "pin", "password", "secret"];

/** What is logged of an error: no detail that a database or a library added, which could hold a user's data. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { readonly code?: unknown };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    ...(typeof code === "string" ? { code } : {}),
    message,
    stack,
    ...(cause === undefined ? {} : { cause: plainError(cause) }),
  };
}

/** Structured lines on standard error, written before the call returns, so that a crash loses none. */
export function createLogger(level: LogLevel): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    { level, base: null, redact, serializers: { err: plainError } },
    pino.destination({ dest: 2, sync: true }),
  );
}
