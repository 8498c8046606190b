import { readFileSync } from "node:fs";
import { KeytransError } from "@mls-as/keytrans";
import { ClientSession, type Outcome as StepOutcome } from "./keytrans-session.js";
import { type Step, type Transcript, TranscriptError } from "./keytrans-transcript.js";
import type { Outcome } from "./main.js";

/** A field of `expect` as text, so that lists and missing values compare too. */
const text = (value: unknown): string => JSON.stringify(value ?? null).toLowerCase();

/** Fields of `expect` that are settled otherwise, or said to people. */
const NOT_COMPARED = new Set(["ok", "reason", "description", "comment"]);

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
    if (!NOT_COMPARED.has(field) && text(result[field]) !== text(value))
      return `${field} is ${text(result[field])} instead of ${text(value)}`;
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

/** Plays transcripts: one client, or auditor, lives through all steps of a file; each step is a case. */
export async function runKeytrans(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const transcript = JSON.parse(readFileSync(path, "utf8")) as Transcript;
    if (!Array.isArray(transcript.steps)) throw new TranscriptError("no steps in the file");
    try {
      await runTranscript(path, transcript, report);
    } catch (error) {
      // The configuration is refused: every step of the transcript is.
      for (const [index, step] of transcript.steps.entries())
        report({
          case: `${path}#${index} ${step.op}`,
          ok: step.expect?.ok === false && error instanceof KeytransError,
          detail: (error as Error).message,
        });
    }
  }
}
