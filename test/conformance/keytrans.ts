import { readFileSync } from "node:fs";
import { KeytransError } from "@mls-as/keytrans";
import { CodecError } from "@mls-as/tls-codec";
import { AnyOf, ClientSession, type Outcome as StepOutcome } from "./keytrans-session.js";
import { INFORMATION, type Step, type Transcript, TranscriptError } from "./keytrans-transcript.js";
import type { Outcome } from "./main.js";

/** A field of `expect` as text, so that lists and missing values compare too. */
const text = (value: unknown): string => JSON.stringify(value ?? null).toLowerCase();

/** Whether a result is what a step states of it; in a list of objects, and in an object, what it leaves out is not compared. */
function agrees(actual: unknown, stated: unknown): boolean {
  if (actual instanceof AnyOf) return actual.ways.some((way) => agrees(way, stated));
  if (Array.isArray(actual) && Array.isArray(stated))
    return actual.length === stated.length && actual.every((one, i) => agrees(one, stated[i]));
  if (isObject(actual) && isObject(stated))
    return Object.entries(stated).every(([field, value]) => agrees(actual[field], value));
  return text(actual) === text(stated);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The reason why what happened is not what the step states, or undefined when it is. */
async function differs(session: ClientSession, step: Step): Promise<string | undefined> {
  const before = session.snapshot();
  let result: StepOutcome;
  try {
    result = await session.perform(step);
  } catch (error) {
    if (!(error instanceof KeytransError)) throw error;
    if (step.expect.ok) return `refused: ${error.code}: ${error.message}`;
    return session.snapshot() === before ? undefined : "it was refused, but the state changed";
  }
  if (!step.expect.ok) return `accepted what must be refused (${step.expect.reason ?? "no reason given"})`;
  for (const [field, value] of Object.entries(step.expect))
    if (field !== "ok" && !INFORMATION.includes(field) && !agrees(result[field], value)) {
      const actual = result[field];
      return `${field} is ${text(actual instanceof AnyOf ? actual.ways[0] : actual)} instead of ${text(value)}`;
    }
  return undefined;
}

async function runTranscript(path: string, transcript: Transcript, report: (outcome: Outcome) => void): Promise<void> {
  const session = await ClientSession.open(transcript);
  for (const [index, step] of transcript.steps.entries()) {
    const name = `${path}#${index} ${step.op}`;
    try {
      if (typeof step.expect?.ok !== "boolean") throw new TranscriptError("expect.ok is missing");
      const detail = await differs(session, step);
      report(detail === undefined ? { case: name, ok: true } : { case: name, ok: false, detail });
    } catch (error) {
      const detail =
        error instanceof TranscriptError ? error.message : `crashed: ${(error as Error).stack ?? String(error)}`;
      report({ case: name, ok: false, detail });
    }
  }
}

async function runOne(name: string, transcript: Transcript, report: (outcome: Outcome) => void): Promise<void> {
  if (!Array.isArray(transcript.steps)) throw new TranscriptError("no steps in the file");
  try {
    await runTranscript(name, transcript, report);
  } catch (error) {
    // The configuration is refused: every step of the transcript is.
    const refused = error instanceof KeytransError || error instanceof CodecError || error instanceof TranscriptError;
    for (const [index, step] of transcript.steps.entries())
      report({
        case: `${name}#${index} ${step.op}`,
        ok: step.expect?.ok === false && refused,
        detail: (error as Error).message,
      });
  }
}

/** Plays transcripts: one client, or auditor, lives through all steps of a file; each step is a case. */
export async function runKeytrans(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const content = JSON.parse(readFileSync(path, "utf8")) as Transcript | readonly Transcript[];
    const transcripts = Array.isArray(content) ? (content as readonly Transcript[]) : [content as Transcript];
    for (const [number, transcript] of transcripts.entries())
      await runOne(transcripts.length === 1 ? path : `${path}[${number}]`, transcript, report);
  }
}
