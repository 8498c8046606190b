import { LOG_LEVELS, setting } from "@mls-as/service-runtime";
import { z } from "zod";
import { SEQUENCER_DEFAULTS } from "./sequencer.js";
import { DEFAULT_CACHE_BYTES } from "./storage/tree-cache.js";

const count = z.number().int().positive();
const file = z.string().min(1).optional();
const rate = z.number().min(0).max(1_000_000);

/** Goes before the names of environment variables. */
export const VARIABLE_PREFIX = "KT_LOG_";

/** Everything an operator can set. `docs/operating-the-log.md` lists the same settings; a test compares them. */
export const SETTINGS = {
  dataDir: setting(z.string().min(1), { default: "data/kt-log", variable: "KT_LOG_DATA", help: "data folder" }),
  host: setting(z.string().min(1), { default: "127.0.0.1", help: "address to listen on" }),
  port: setting(z.number().int().min(0).max(65_535), {
    default: 8441,
    help: "port from 0 to 65535; 0 picks any free one",
  }),
  publicUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
    help: "the URL callers use, when it is not where the log listens; device-signed requests name it",
  }),
  passphrase: setting(z.string().min(8).optional(), {
    secret: true,
    help: "unlocks the keys; at least 8 characters; better in a file",
  }),
  passphraseFile: setting(file, { help: "file with the passphrase; absent: `passphrase` in the data folder" }),
  treeHeadKey: setting(file, {
    secret: true,
    help: "PKCS#11 URI (RFC 7512) or key file of the key that signs tree heads; absent: the key in keys.json",
  }),
  databaseUrl: setting(z.url({ protocol: /^postgres(ql)?$/ }).optional(), {
    secret: true,
    help: "postgres://… for PostgreSQL 15 or newer; absent: SQLite in the data folder",
  }),
  advertisedUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
    help: "where the other processes on the database reach this one; absent: where it listens",
  }),
  headMemoryFile: setting(file, {
    help: "keeps the highest head shown; put it on another disk; absent: highest-head.json in the data folder",
  }),
  batchMilliseconds: setting(count.max(10_000), {
    default: SEQUENCER_DEFAULTS.batchMilliseconds,
    help: "how long a change waits for company, milliseconds",
  }),
  batchSize: setting(count.max(255), {
    default: SEQUENCER_DEFAULTS.batchSize,
    help: "most versions in one log entry, at most 255",
  }),
  queueLimit: setting(count.max(1_000_000), {
    default: SEQUENCER_DEFAULTS.queueLimit,
    help: "changes that may wait; the next is refused with 503 and Retry-After",
  }),
  heartbeatSeconds: setting(count.max(600), {
    default: SEQUENCER_DEFAULTS.heartbeatMilliseconds / 1000,
    help: "an empty entry is added when the newest is older; at most 600",
  }),
  vrfThreads: setting(z.number().int().min(0).max(256).optional(), {
    help: "worker threads that evaluate the VRF; 0: none; absent: one less than there are processors, at least one",
  }),
  cacheMegabytes: setting(z.number().int().min(1).max(65_536), {
    default: DEFAULT_CACHE_BYTES / 2 ** 20,
    help: "memory for pages of the prefix tree",
  }),
  maxBodyBytes: setting(count.max(2 ** 26), { default: 2 ** 22, help: "largest request body" }),
  maxUnderWay: setting(count.max(1_000_000), {
    default: 1000,
    help: "requests answered at once; the next is refused with 503 and Retry-After",
  }),
  searchAccess: setting(z.enum(["public", "readers"]).optional(), {
    help: "who may search: public, or readers only; absent: readers when any are named, else public",
  }),
  monitorAccess: setting(z.enum(["public", "readers"]).optional(), {
    help: "who may monitor a label without showing its commitment opening; absent: as for searching",
  }),
  readerTokensFile: setting(file, { help: "SHA-256 (hexadecimal) of each reader's token, a line each" }),
  readerAnchorsFile: setting(file, {
    help: "PEM certificates; who holds an unexpired credential below one of them is a reader",
  }),
  corsOrigins: setting(z.array(z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, "must be an origin, or *")), {
    default: ["*"],
    help: "origins whose pages may use the log from a browser; * for all",
  }),
  callerHeader: setting(z.string().min(1).optional(), {
    help: "header in which your proxy names the caller; only behind a proxy that overwrites it",
  }),
  callerRate: setting(rate, { default: 0, help: "requests a second by caller, four times as many at once; 0: any" }),
  labelRate: setting(rate, { default: 0, help: "requests a second by label, four times as many at once; 0: any" }),
  auditorFailure: setting(z.enum(["closed", "open"]), {
    default: "closed",
    help: "past max_auditor_lag: closed refuses readers with 503, open serves the auditor's old head on, which clients refuse",
  }),
  witnessPolicyFile: setting(file, {
    help: "C2SP tlog-policy with the witnesses, their URLs and the quorum; absent: no witnesses are asked",
  }),
  witnessOrigin: setting(
    z
      .string()
      .regex(/^[^\s+]{1,255}$/, "at most 255 characters without space or plus")
      .optional(),
    { help: "name of the parallel log, as log.example/keytrans; needed for witnessing and never changed" },
  ),
  witnessFailure: setting(z.enum(["open", "closed"]), {
    default: "open",
    help: "when witnesses are late: open answers on, closed refuses readers with 503",
  }),
  witnessLagSeconds: setting(count.max(86_400), {
    default: 300,
    help: "age of the oldest entry without a quorum from which the witnesses count as late",
  }),
  witnessIntervalSeconds: setting(z.number().min(0.05).max(3600), {
    default: 5,
    help: "how often witnesses are asked about new entries",
  }),
  witnessTimeoutSeconds: setting(z.number().min(0.1).max(300), { default: 10, help: "how long one witness may take" }),
  tracingEndpoint: setting(z.url({ protocol: /^https?$/ }).optional(), {
    help: "OTLP over HTTP endpoint for traces, as http://127.0.0.1:4318; absent: no traces",
  }),
  logLevel: setting(z.enum(LOG_LEVELS), {
    default: "info",
    variable: "KT_LOG_LEVEL",
    help: "trace, debug, info, warn, error, fatal or silent",
  }),
} as const;

/** Variables of ours that are no settings of the service. */
export const OTHER_VARIABLES: ReadonlySet<string> = new Set(["KT_LOG_CONFIG", "KT_LOG_FAILPOINT"]);
