import { z } from "zod";
import { SEQUENCER_DEFAULTS } from "./sequencer.js";

const duration = z.coerce.number().int().positive();

/** Everything an operator can set, by environment variable; `kt-log serve --help` lists the flags that override them. */
const Environment = z.object({
  KT_LOG_DATA: z.string().min(1).default("data/kt-log"),
  KT_LOG_HOST: z.string().min(1).default("127.0.0.1"),
  KT_LOG_PORT: z.coerce.number().int().min(0).max(65_535).default(8441),
  KT_LOG_PASSPHRASE: z.string().min(8).optional(),
  KT_LOG_PASSPHRASE_FILE: z.string().min(1).optional(),
  KT_LOG_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  KT_LOG_ADVERTISED_URL: z.url({ protocol: /^https?$/ }).optional(),
  KT_LOG_HEAD_MEMORY_FILE: z.string().min(1).optional(),
  KT_LOG_BATCH_MILLISECONDS: duration.max(10_000).default(SEQUENCER_DEFAULTS.batchMilliseconds),
  KT_LOG_BATCH_SIZE: duration.max(255).default(SEQUENCER_DEFAULTS.batchSize),
  KT_LOG_QUEUE_LIMIT: duration.max(1_000_000).default(SEQUENCER_DEFAULTS.queueLimit),
  KT_LOG_HEARTBEAT_SECONDS: duration.max(600).default(SEQUENCER_DEFAULTS.heartbeatMilliseconds / 1000),
  KT_LOG_MAX_BODY_BYTES: duration.max(2 ** 26).default(2 ** 22),
  KT_LOG_READER_TOKENS_FILE: z.string().min(1).optional(),
  KT_LOG_CALLER_HEADER: z.string().min(1).optional(),
  KT_LOG_CALLER_RATE: z.coerce.number().min(0).max(1_000_000).default(0),
  KT_LOG_LABEL_RATE: z.coerce.number().min(0).max(1_000_000).default(0),
  KT_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export interface Config {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** Unlocks the keys. Absent: the file `passphrase` in the data folder, which `init` writes for development. */
  readonly passphrase: string | undefined;
  readonly passphraseFile: string | undefined;
  /** A PostgreSQL database, for more than one process; absent: the embedded database in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Where the other processes on that database reach this one; absent: where it listens. */
  readonly advertisedUrl: string | undefined;
  /** Where the highest head shown is kept; best on another disk. Absent: `highest-head.json` in the data folder. */
  readonly headMemoryFile: string | undefined;
  readonly batchMilliseconds: number;
  readonly batchSize: number;
  readonly queueLimit: number;
  readonly heartbeatMilliseconds: number;
  readonly maxBodyBytes: number;
  /** SHA-256 of the tokens of those who may read, a line each. Absent: everybody may. */
  readonly readerTokensFile: string | undefined;
  /** Header in which a trusted proxy names the caller. Absent: the connection's address. */
  readonly callerHeader: string | undefined;
  /** Requests a second about labels that one caller may make, and that may be made about one label; 0: any number. */
  readonly callerRate: number;
  readonly labelRate: number;
  readonly logLevel: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads and checks all settings at once. @throws ConfigError naming every field that is wrong */
export function readConfig(environment: NodeJS.ProcessEnv, overrides: Partial<Config> = {}): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(`The configuration is wrong:\n${faults.join("\n")}`);
  }
  const values = parsed.data;
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  return {
    dataDir: values.KT_LOG_DATA,
    host: values.KT_LOG_HOST,
    port: values.KT_LOG_PORT,
    passphrase: values.KT_LOG_PASSPHRASE,
    passphraseFile: values.KT_LOG_PASSPHRASE_FILE,
    databaseUrl: values.KT_LOG_DATABASE_URL,
    advertisedUrl: values.KT_LOG_ADVERTISED_URL,
    headMemoryFile: values.KT_LOG_HEAD_MEMORY_FILE,
    batchMilliseconds: values.KT_LOG_BATCH_MILLISECONDS,
    batchSize: values.KT_LOG_BATCH_SIZE,
    queueLimit: values.KT_LOG_QUEUE_LIMIT,
    heartbeatMilliseconds: values.KT_LOG_HEARTBEAT_SECONDS * 1000,
    maxBodyBytes: values.KT_LOG_MAX_BODY_BYTES,
    readerTokensFile: values.KT_LOG_READER_TOKENS_FILE,
    callerHeader: values.KT_LOG_CALLER_HEADER,
    callerRate: values.KT_LOG_CALLER_RATE,
    labelRate: values.KT_LOG_LABEL_RATE,
    logLevel: values.KT_LOG_LEVEL,
    ...given,
  };
}
