import { readFileSync } from "node:fs";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type Acceptance,
  DeviceListError,
  defaultPolicy,
  encodePolicy,
  type LocalView,
  preparePolicy,
  StapleError,
  type ValidationPolicy,
  type Verdict,
  verifyCredential,
} from "@mls-as/mls-credentials";
import type { Outcome } from "./main.js";
import {
  type EvidenceCase,
  type LocalCase,
  readEvidence,
  readLocal,
  readStaple,
  type StapleCase,
} from "./verdict-evidence.js";
import { checkGroup, checkPins, type GroupCase, type PinCase } from "./verdict-groups.js";
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
  readonly devices?: EvidenceCase;
  readonly evidence_missing_since?: number;
  /** Instead of `devices`: a KEYTRANS credential, and what this device has seen of the log. */
  readonly staple?: StapleCase;
  /** What this member alone knows: it warns, and never decides. */
  readonly local?: LocalCase;
  readonly expect: {
    readonly accepted: boolean;
    readonly standing?: string;
    readonly refusals?: readonly string[];
    readonly warnings?: readonly string[];
    readonly deadline?: number;
    readonly local?: readonly string[];
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
  "staple",
  "local",
  "expect",
];

async function judge(vector: VerdictCase, policy: ValidationPolicy): Promise<Verdict> {
  const { user } = vector.reference;
  const devices =
    vector.staple !== undefined
      ? await readStaple(vector.staple, user)
      : vector.devices && readEvidence(vector.devices, user);
  return await verifyCredential(
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
      ...(devices === undefined ? {} : { devices }),
      ...(vector.evidence_missing_since === undefined ? {} : { evidenceMissingSince: vector.evidence_missing_since }),
    },
    vector.local && readLocal(vector.local, user),
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
  refuseUnknown(vector.expect, ["accepted", "standing", "refusals", "warnings", "deadline", "local"], "expect");
  const policy = { ...defaultPolicy({}), ...base, ...vector.policy };
  const { expect } = vector;
  let verdict: Acceptance;
  let local: LocalView | undefined;
  try {
    ({ acceptance: verdict, local } = await judge(vector, policy));
  } catch (error) {
    if (!(error instanceof DeviceListError) && !(error instanceof StapleError)) throw error;
    const named = expect.refusals === undefined || sorted(expect.refusals) === error.code;
    return !expect.accepted && named ? undefined : `the evidence is refused: ${error.code}`;
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
  if (expect.local !== undefined) {
    const actual = sorted((local?.reasons ?? []).map(({ code }) => code));
    if (actual !== sorted(expect.local)) return `local is ${actual || "nothing"}`;
  }
  if (expect.deadline !== undefined && !verdict.reasons.some(({ deadline }) => deadline === expect.deadline))
    return `no reason has the deadline ${expect.deadline}`;
  return undefined;
}

/** What is said of each case of a file: its standing, and each reason with its severity, place, rule and deadline. */
export async function explainVerdicts(path: string): Promise<Record<string, unknown>> {
  const file = JSON.parse(readFileSync(path, "utf8")) as {
    readonly policy?: Partial<ValidationPolicy>;
    readonly cases?: readonly VerdictCase[];
  };
  const explained: Record<string, unknown> = {};
  for (const vector of file.cases ?? [])
    try {
      const policy = { ...defaultPolicy({}), ...file.policy, ...vector.policy };
      const { acceptance, local } = await judge(vector, policy);
      const { standing, reasons } = acceptance;
      explained[vector.name] = {
        standing,
        reasons: reasons.map(told),
        ...(local === undefined ? {} : { local: local.reasons.map(told) }),
      };
    } catch (error) {
      if (!(error instanceof DeviceListError) && !(error instanceof StapleError)) throw error;
      explained[vector.name] = { evidence: `${error.code} | ${error.path}` };
    }
  return explained;
}

const told = ({ code, severity, path, section, deadline }: Acceptance["reasons"][number]): string =>
  [code, severity, path, section, ...(deadline === undefined ? [] : [`until ${deadline}`])].join(" | ");

/** Verdict cases through the verifier. */
export async function runVerdict(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const file = JSON.parse(readFileSync(path, "utf8")) as {
      readonly policy?: Partial<ValidationPolicy>;
      readonly cases?: readonly VerdictCase[];
      readonly groups?: readonly GroupCase[];
      readonly pins?: readonly PinCase[];
    };
    refuseUnknown(file, ["description", "policy", "cases", "groups", "pins"], "file");
    const base = { ...defaultPolicy({}), ...file.policy };
    const checks = [
      ...(file.cases ?? []).map((vector) => ({ vector, run: () => check(vector, file.policy ?? {}) })),
      ...(file.groups ?? []).map((vector) => ({ vector, run: () => checkGroup(vector, base) })),
      ...(file.pins ?? []).map((vector) => ({ vector, run: () => checkPins(vector) })),
    ];
    for (const { vector, run } of checks) {
      let detail: string | undefined;
      try {
        detail = await run();
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
