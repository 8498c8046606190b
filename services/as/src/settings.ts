import {
  ConfigurationError,
  type ConfigurationOf,
  LOG_LEVELS,
  readConfiguration,
  setting,
} from "@mls-as/service-runtime";
import { z } from "zod";
import { type Config, DEFAULT_CONFIG, type ProofKind } from "./config.js";

const seconds = z.int().positive();
const count = z.int().positive();
const milliseconds = z.int().positive();
const port = z.int().min(0).max(65_535);
const optional = z.string().min(1).optional();

/** Combinations of proofs, as `token` or `oidc+approval`. */
const combinations = z
  .array(z.string().regex(/^(token|approval|oidc)(\+(token|approval|oidc))*$/, "must be as token or oidc+approval"))
  .min(1)
  .transform((texts) => texts.map((text) => text.split("+") as ProofKind[]));

/**
 * Every setting of `mls-as serve`. In a TOML file they are in snake_case, with sections; in the environment `MLS_AS_` and
 * the name in capitals, as MLS_AS_LOG_URL or MLS_AS_OIDC_ISSUER. docs/operations.md lists them.
 */
export const SETTINGS = {
  data: setting(z.string().min(1), { default: "./data/as", help: "data folder" }),
  host: setting(z.string().min(1), { default: "127.0.0.1", help: "address to listen on" }),
  port: setting(port, { default: 8440, help: "port; 0 takes any free one" }),
  publicUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
    help: "origin that goes into certificates; default: where it listens",
  }),
  domain: setting(optional, { help: "identity domain; fixed by the first start" }),
  logUrl: setting(z.url({ protocol: /^https?$/ }), { help: "the Key Transparency log" }),
  logWriterTokenFile: setting(z.string().min(1), { help: "file with the writer token that the log's init made" }),
  logTimeout: setting(milliseconds, { default: DEFAULT_CONFIG.logTimeout, help: "milliseconds to wait for the log" }),
  logLevel: setting(z.enum(LOG_LEVELS).optional(), {
    help: "least level of log lines on standard error; absent: info, and error with --json",
  }),
  databaseUrl: setting(optional, {
    secret: true,
    help: "postgres://…, for several processes; default: SQLite in the data folder",
  }),
  dataKey: setting(optional, {
    secret: true,
    help: "32 octets in base64url that seal personal data; alike for all processes on one database",
  }),
  keys: setting(
    z
      .string()
      .regex(/^pkcs11:/i, "must be a pkcs11: URI")
      .optional(),
    {
      help: "pkcs11: URI of the token that keys are made on; default: key files",
    },
  ),
  pin: setting(optional, { secret: true, help: "PIN of the token" }),
  pinFile: setting(optional, { help: "file with the PIN of the token" }),
  passphrase: setting(optional, { secret: true, help: "passphrase of key files" }),
  passphraseFile: setting(optional, { help: "file with the passphrase of key files" }),
  certificateLifetime: setting(seconds, {
    default: DEFAULT_CONFIG.certificateLifetime,
    help: "seconds a credential is good for",
  }),
  backdate: setting(z.int().min(0), {
    default: DEFAULT_CONFIG.backdate,
    help: "seconds that notBefore lies in the past, for slow clocks",
  }),
  retention: setting(seconds, {
    default: DEFAULT_CONFIG.retention,
    help: "seconds that records stay logged after expiry",
  }),
  nonceLifetime: setting(seconds, { default: DEFAULT_CONFIG.nonceLifetime, help: "seconds a nonce is good for" }),
  tokenLifetime: setting(seconds, {
    default: DEFAULT_CONFIG.tokenLifetime,
    help: "seconds an enrolment token is good for",
  }),
  approvalLifetime: setting(seconds, {
    default: DEFAULT_CONFIG.approvalLifetime,
    help: "most seconds an approval is good for",
  }),
  renewalByKey: setting(seconds, {
    default: DEFAULT_CONFIG.renewalByKey,
    help: "seconds that renewals by key alone may go on after an enrolment proof",
  }),
  renewalToSameKey: setting(z.boolean(), {
    default: DEFAULT_CONFIG.renewalToSameKey,
    help: "whether a renewal may certify the same key again",
  }),
  maximumUnexpired: setting(count, {
    default: DEFAULT_CONFIG.maximumUnexpired,
    help: "most unexpired credentials of a device",
  }),
  maximumDevices: setting(count, { default: DEFAULT_CONFIG.maximumDevices, help: "most devices of a user" }),
  failuresPerMinute: setting(count, {
    default: DEFAULT_CONFIG.failuresPerMinute,
    help: "failed guesses of an address in a minute before it has to wait",
  }),
  callerHeader: setting(optional, {
    help: "header in which your proxy names the caller; only behind a proxy that overwrites it",
  }),
  callerRate: setting(z.int().min(0).max(1_000_000), {
    default: DEFAULT_CONFIG.callerRate,
    help: "requests a second by caller, four times as many at once; 0: any",
  }),
  maxUnderWay: setting(count.max(1_000_000), {
    default: DEFAULT_CONFIG.maxUnderWay,
    help: "requests answered at once, half of them for one address; the next is refused with 503 or 429 and Retry-After",
  }),
  tracingEndpoint: setting(z.url({ protocol: /^https?$/ }).optional(), {
    help: "OTLP over HTTP endpoint for traces, as http://127.0.0.1:4318; absent: no traces",
  }),
  resumeInterval: setting(milliseconds, {
    default: DEFAULT_CONFIG.resumeInterval,
    help: "milliseconds between tries to complete what is open",
  }),
  logIdExtension: setting(z.string().regex(/^[0-2](\.\d+)+$/, "must be a dotted OID"), {
    default: DEFAULT_CONFIG.logIdExtension,
    help: "OID of the certificate extension that names the log",
  }),
  enrolment: {
    first: setting(combinations, {
      default: DEFAULT_CONFIG.enrolment.first.map((proofs) => [...proofs]),
      help: "proofs of a first device, as token or oidc; joined by + all are needed",
    }),
    further: setting(combinations, {
      default: DEFAULT_CONFIG.enrolment.further.map((proofs) => [...proofs]),
      help: "proofs of a further device, as token or oidc+approval",
    }),
  },
  oidc: {
    issuer: setting(z.url().optional(), { help: "OpenID provider whose tokens are accepted" }),
    audience: setting(optional, { help: "client id of the apps whose ID tokens are accepted" }),
    accessTokenAudience: setting(optional, {
      help: "resource that access tokens must be made for; default: none accepted",
    }),
    userClaim: setting(optional, { help: "claim that is the user; default preferred_username" }),
    userPattern: setting(optional, { help: "regular expression for the claim; its group 'user' is the user" }),
    keyOrigins: setting(z.array(z.string().min(1)).optional(), {
      help: "other origins that may serve the provider's keys",
    }),
    clockTolerance: setting(z.int().min(0).optional(), { help: "seconds that clocks may differ; default 30" }),
  },
  est: {
    host: setting(optional, { help: "address that EST listens on; default as host" }),
    port: setting(port.optional(), { help: "port of EST (TLS); default: EST is off" }),
    certificateFile: setting(optional, { help: "PEM chain of the EST server" }),
    keyFile: setting(optional, { help: "PEM private key of the EST server" }),
  },
};

export type Settings = ConfigurationOf<typeof SETTINGS>;

/** Variables that are ours and no settings. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  "MLS_AS_CONFIG",
  "MLS_AS_DATA",
  "MLS_AS_FAILPOINT",
  "MLS_AS_LONG",
]);

/**
 * Reads the settings of `mls-as serve`: flags over environment over file over defaults.
 *
 * @throws ConfigurationError that names every wrong field
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  file: string | undefined,
  overrides: Readonly<Record<string, unknown>>,
): { readonly settings: Settings; readonly unknownVariables: readonly string[] } {
  const { values, unknownVariables } = readConfiguration({
    prefix: "MLS_AS_",
    spec: SETTINGS,
    environment,
    file,
    overrides,
  });
  return { settings: values, unknownVariables: unknownVariables.filter((name) => !OTHER_VARIABLES.has(name)) };
}

/** What the settings say about issuing. @throws ConfigurationError for a section that is half there */
export function issuanceConfig(settings: Settings): Partial<Config> {
  const { oidc, est, enrolment } = settings;
  const {
    certificateLifetime,
    backdate,
    retention,
    nonceLifetime,
    tokenLifetime,
    approvalLifetime,
    renewalByKey,
    renewalToSameKey,
    maximumUnexpired,
    maximumDevices,
    failuresPerMinute,
    callerHeader,
    callerRate,
    maxUnderWay,
    tracingEndpoint,
    resumeInterval,
    logIdExtension,
    logTimeout,
  } = settings;
  return {
    certificateLifetime,
    backdate,
    retention,
    nonceLifetime,
    tokenLifetime,
    approvalLifetime,
    renewalByKey,
    renewalToSameKey,
    maximumUnexpired,
    maximumDevices,
    failuresPerMinute,
    callerHeader,
    callerRate,
    maxUnderWay,
    tracingEndpoint,
    resumeInterval,
    logIdExtension,
    logTimeout,
    enrolment,
    oidc: oidcConfig(oidc),
    est: estConfig(est, settings.host),
  };
}

function missing(field: string, because: string): ConfigurationError {
  const variable = `MLS_AS_${field.toUpperCase().replace(".", "_")}`;
  return new ConfigurationError([
    {
      field,
      message: `it must be given ${because}`,
      remedy: `Set ${field} in the file or ${variable} in the environment.`,
    },
  ]);
}

function oidcConfig({ issuer, audience, ...rest }: Settings["oidc"]): Config["oidc"] {
  if (issuer === undefined) return undefined;
  if (audience === undefined) throw missing("oidc.audience", "where oidc.issuer is");
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { issuer, audience, ...given };
}

function estConfig(
  { host, port: estPort, certificateFile, keyFile }: Settings["est"],
  fallback: string,
): Config["est"] {
  if (estPort === undefined) return undefined;
  if (certificateFile === undefined) throw missing("est.certificate_file", "where est.port is");
  if (keyFile === undefined) throw missing("est.key_file", "where est.port is");
  return { host: host ?? fallback, port: estPort, certificateFile, keyFile };
}
