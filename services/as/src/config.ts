import { isDomainName } from "@mls-as/mls-credentials";
import type { OidcConfig } from "./enrolment/oidc.js";
import type { EstConfig } from "./est/est-config.js";
import { OID } from "./x509/certificate-profile.js";

export type ProofKind = "token" | "approval" | "oidc";

/** Which proofs together suffice: any one of the lists. */
export interface EnrolmentPolicy {
  /** For a user without another active device. */
  readonly first: readonly (readonly ProofKind[])[];
  /** For a user who has one. */
  readonly further: readonly (readonly ProofKind[])[];
}

/** How a deployment issues. Times in seconds unless said. */
export interface Config {
  readonly domain: string;
  readonly certificateLifetime: number;
  /** How far `not_before` lies in the past, for clients whose clocks are slow. */
  readonly backdate: number;
  readonly retention: number;
  readonly nonceLifetime: number;
  readonly tokenLifetime: number;
  readonly enrolment: EnrolmentPolicy;
  /** Most unexpired credentials of one client, and most devices of one user. */
  readonly maximumUnexpired: number;
  readonly maximumDevices: number;
  readonly logIdExtension: string;
  /** Milliseconds to wait for the log. */
  readonly logTimeout: number;
  /** Milliseconds between tries to complete what is open. */
  readonly resumeInterval: number;
  /** OpenID provider whose ID tokens are accepted; undefined when there is none. */
  readonly oidc: OidcConfig | undefined;
  /** Origins whose pages may use this service from a browser; `*` is all of them. */
  readonly corsOrigins: readonly string[];
  /** Where Enrolment over Secure Transport is served; undefined for nowhere. */
  readonly est: EstConfig | undefined;
  /** Failed guesses at tokens, of one address within a minute, after which the address has to wait. */
  readonly failuresPerMinute: number;
  /** Requests of one address a second, four times as many at once; 0 for any number. */
  readonly callerRate: number;
  /** Header in which a proxy names the caller's address; undefined where callers connect themselves. */
  readonly callerHeader: string | undefined;
  /** Requests answered at once. */
  readonly maxUnderWay: number;
  /** OTLP endpoint that traces go to; undefined for nowhere. */
  readonly tracingEndpoint: string | undefined;
  /** Most seconds that a device's approval of another may be good for. */
  readonly approvalLifetime: number;
  /** Whether a renewal may certify the key that signs it again. */
  readonly renewalToSameKey: boolean;
  /** Longest that renewals by key alone may go on since the last enrolment proof. */
  readonly renewalByKey: number;
}

const DAY = 86_400;

export const DEFAULT_CONFIG: Config = {
  domain: "mls.example",
  certificateLifetime: 90 * DAY,
  backdate: 300,
  retention: 90 * DAY,
  nonceLifetime: 300,
  tokenLifetime: DAY,
  enrolment: { first: [["token"]], further: [["token"], ["approval"]] },
  maximumUnexpired: 1024,
  maximumDevices: 100,
  logIdExtension: OID.logId,
  logTimeout: 10_000,
  resumeInterval: 2_000,
  oidc: undefined,
  corsOrigins: ["*"],
  est: undefined,
  failuresPerMinute: 120,
  callerRate: 0,
  callerHeader: undefined,
  maxUnderWay: 1000,
  tracingEndpoint: undefined,
  renewalByKey: 366 * DAY,
  approvalLifetime: 7 * DAY,
  renewalToSameKey: false,
};

/** Most credentials in one request (design, "What it is": keys per group). */
export const MAXIMUM_CREDENTIALS = 255;

/** Fills in defaults and refuses values that cannot work. @throws Error naming the option */
export function resolveConfig(given: Partial<Config>): Config {
  const config = { ...DEFAULT_CONFIG };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  Object.assign(config, set);
  if (!isDomainName(config.domain))
    throw new Error(`domain: ${config.domain} is not a lower-case FQDN of at least two labels`);
  const positive: readonly (keyof Config)[] = [
    "certificateLifetime",
    "retention",
    "nonceLifetime",
    "tokenLifetime",
    "maximumUnexpired",
    "maximumDevices",
    "logTimeout",
    "resumeInterval",
    "renewalByKey",
    "approvalLifetime",
    "failuresPerMinute",
    "maxUnderWay",
  ];
  for (const name of positive)
    if (!Number.isSafeInteger(config[name]) || (config[name] as number) <= 0)
      throw new Error(`${name}: must be a positive integer`);
  if (!Number.isSafeInteger(config.backdate) || config.backdate < 0) throw new Error("backdate: must not be negative");
  if (!Number.isSafeInteger(config.callerRate) || config.callerRate < 0)
    throw new Error("callerRate: must not be negative");
  if (config.enrolment.first.some((proofs) => proofs.includes("approval")))
    throw new Error("enrolment.first: a first device has nobody who could approve it");
  if ([...config.enrolment.first, ...config.enrolment.further].some((proofs) => proofs.length === 0))
    throw new Error("enrolment: an empty combination would let anybody in");
  return config;
}
