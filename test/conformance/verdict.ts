import { readFileSync } from "node:fs";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type Acceptance,
  checkDeviceList,
  type DeviceEvidence,
  DeviceListError,
  defaultPolicy,
  encodePolicy,
  judgeAcceptance,
  preparePolicy,
  type ValidationPolicy,
} from "@mls-as/mls-credentials";
import type { Outcome } from "./main.js";
import { refuseUnknown, unhex } from "./wire-json.js";

/** One credential to be judged. Format: docs/conformance.md. */
export interface VerdictCase {
  readonly name: string;
  readonly comment?: string;
  readonly policy?: Partial<ValidationPolicy>;
  readonly certificates: readonly string[];
  readonly signature_key: string;
  readonly signature_scheme: number;
  readonly reference: { readonly user: string; readonly client?: string };
  readonly time: number;
  readonly time_source?: "pin" | "stated" | "local";
  readonly devices?: {
    readonly value: string;
    readonly version: number;
    readonly log_id: string;
    readonly position: number;
    readonly proven_at: number;
    readonly source?: "search" | "staple";
  };
  readonly evidence_missing_since?: number;
  readonly expect: {
    readonly accepted: boolean;
    readonly standing?: string;
    readonly refusals?: readonly string[];
    readonly warnings?: readonly string[];
    readonly deadline?: number;
  };
}

const CASE = [
  "name",
  "comment",
  "policy",
  "certificates",
  "signature_key",
  "signature_scheme",
  "reference",
  "time",
  "time_source",
  "devices",
  "evidence_missing_since",
  "expect",
];

function readEvidence(given: NonNullable<VerdictCase["devices"]>, user: string): DeviceEvidence {
  refuseUnknown(given, ["value", "version", "log_id", "position", "proven_at", "source"], "devices");
  return {
    list: checkDeviceList(unhex(given.value, "devices.value"), { label: user, version: given.version }),
    logId: unhex(given.log_id, "devices.log_id"),
    position: given.position,
    provenAt: given.proven_at,
    source: given.source ?? "search",
  };
}

async function judge(vector: VerdictCase, policy: ValidationPolicy): Promise<Acceptance> {
  return await judgeAcceptance(
    {
      certificates: vector.certificates.map((der, i) => unhex(der, `certificates[${i}]`)),
      signatureKey: unhex(vector.signature_key, "signature_key"),
      signatureScheme: vector.signature_scheme,
    },
    vector.reference,
    {
      policy: preparePolicy(encodePolicy(policy)),
      provider: nodeProvider,
      time: vector.time,
      timeSource: vector.time_source ?? "pin",
      ...(vector.devices === undefined ? {} : { devices: readEvidence(vector.devices, vector.reference.user) }),
      ...(vector.evidence_missing_since === undefined ? {} : { evidenceMissingSince: vector.evidence_missing_since }),
    },
  );
}

/** Codes as a sorted set: how often path validation names one code is no part of the verdict. */
const codesOf = (acceptance: Acceptance, severity: string): string =>
  [...new Set(acceptance.reasons.filter((reason) => reason.severity === severity).map(({ code }) => code))]
    .sort()
    .join(", ");
const sorted = (codes: readonly string[]): string => [...new Set(codes)].sort().join(", ");

/** The reason a case fails, or undefined. */
async function check(vector: VerdictCase, base: Partial<ValidationPolicy>): Promise<string | undefined> {
  refuseUnknown(vector, CASE, "case");
  refuseUnknown(vector.expect, ["accepted", "standing", "refusals", "warnings", "deadline"], "expect");
  const policy = { ...defaultPolicy({}), ...base, ...vector.policy };
  const { expect } = vector;
  let verdict: Acceptance;
  try {
    verdict = await judge(vector, policy);
  } catch (error) {
    if (!(error instanceof DeviceListError)) throw error;
    const named = expect.refusals === undefined || sorted(expect.refusals) === error.code;
    return !expect.accepted && named ? undefined : `the device list is refused: ${error.code}`;
  }
  if (verdict.accepted !== expect.accepted)
    return `accepted is ${verdict.accepted}: ${codesOf(verdict, "refusal") || "no refusal"}`;
  if (expect.standing !== undefined && verdict.standing !== expect.standing)
    return `standing is ${verdict.standing} instead of ${expect.standing}`;
  for (const [name, severity] of [
    ["refusals", "refusal"],
    ["warnings", "warning"],
  ] as const) {
    const expected = expect[name];
    const actual = codesOf(verdict, severity);
    if (expected !== undefined && actual !== sorted(expected)) return `${name} are ${actual || "none"}`;
  }
  if (expect.deadline !== undefined && !verdict.reasons.some(({ deadline }) => deadline === expect.deadline))
    return `no reason has the deadline ${expect.deadline}`;
  return undefined;
}

/** Verdict cases through the verifier. */
export async function runVerdict(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const file = JSON.parse(readFileSync(path, "utf8")) as {
      readonly policy?: Partial<ValidationPolicy>;
      readonly cases: readonly VerdictCase[];
    };
    for (const vector of file.cases) {
      let detail: string | undefined;
      try {
        detail = await check(vector, file.policy ?? {});
      } catch (error) {
        detail = `the case cannot be run: ${(error as Error).message}`;
      }
      report({
        case: `${path}: ${vector.name}`,
        ok: detail === undefined,
        ...(detail === undefined ? {} : { detail }),
      });
    }
  }
}
