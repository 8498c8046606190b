import { type Logger, pino } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Members that hold a secret wherever they stand in what is logged, and are masked. */
const SECRETS = ["authorization", "token", "passphrase", "pin", "password", "secret"];

/** Structured lines on standard error, written before the call returns, so that a crash loses none. */
export function createLogger(level: LogLevel): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: null, redact }, pino.destination({ dest: 2, sync: true }));
}
