/** A KEYTRANS transcript: `design` of the format in docs/conformance.md. Byte strings are hex, times milliseconds. */
export interface Transcript {
  readonly description: string;
  /** Encoded `Configuration`. */
  readonly configuration: string;
  /** May be missing where every step has its own. */
  readonly now?: number;
  /** How many of the rightmost distinguished log entries count as recent; 7 where it is missing. */
  readonly recent?: number;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly op: string;
  readonly now?: number;
  readonly request?: string;
  /** A list where the draft allows several. */
  readonly response?: string | readonly string[];
  readonly label?: string;
  readonly version?: number | null;
  readonly start?: number | null;
  readonly stop?: number | null;
  readonly values?: readonly string[];
  readonly credential?: string;
  /** A list where several are taken in turn. */
  readonly update?: string | readonly string[];
  /** `audit`: an encoded `AuditorCheckpoint` from which to begin. */
  readonly checkpoint?: string;
  readonly expect: Expectation;
}

/** `ok: false`: the step must fail and change nothing; `reason` says why, for people. */
export interface Expectation {
  readonly ok: boolean;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export function unhex(text: unknown, field: string): Uint8Array {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) throw new TranscriptError(`${field} is not hex`);
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** The transcript itself is at fault, not the implementation under test. */
export class TranscriptError extends Error {}

const number = (value: unknown, field: string): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new TranscriptError(`${field} is not a whole number`);
  return value;
};

/** A number that may be missing or null. */
export function optionalNumber(value: unknown, field: string): number | undefined {
  return value === undefined || value === null ? undefined : number(value, field);
}

export function requiredNumber(value: unknown, field: string): number {
  return number(value, field);
}

/** A list as it stands in a transcript. */
export function listOf(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TranscriptError(`${field} is not a list`);
  return value;
}

/** Fields of a step that say nothing to be compared. */
export const INFORMATION = ["description", "comment", "reason", "note", "name", "id", "error", "code", "message"];
const COMMON = ["op", "now", "expect", ...INFORMATION];

/** Refuses a step that states what would not be looked at: such a step must not count as passed. */
export function checkFields(step: Step, fields: readonly string[], expected: readonly string[]): void {
  const unknown = [
    ...Object.keys(step).filter((field) => !COMMON.includes(field) && !fields.includes(field)),
    // Of a step that must fail nothing but the failure is compared.
    ...Object.keys(step.expect).filter(
      (field) => step.expect.ok && field !== "ok" && !INFORMATION.includes(field) && !expected.includes(field),
    ),
  ];
  if (unknown.length > 0) throw new TranscriptError(`states ${unknown.join(", ")}, which is not understood`);
}
