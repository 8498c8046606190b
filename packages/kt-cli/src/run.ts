import { CommanderError } from "commander";
import { LogClientError } from "@mls-as/kt-client";
import { plainFailure } from "./asking.js";
import type { Context } from "./context.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import { Failure } from "./failure.js";
import { createProgram } from "./program.js";
import type { Report } from "./report.js";
import { saveBundle, type SharedFlags } from "./save-bundle.js";
import { Paper } from "./terminal/paper.js";

/** Runs `kt` with its arguments (without the program's name) and says how it should exit. */
export async function kt(args: readonly string[], context: Context): Promise<ExitCode> {
  let exit: ExitCode = EXIT.fine;
  const json = args.includes("--json");
  const program = createProgram(context, async (flags, work) => {
    exit = await perform(context, flags, work);
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.fine;
    if (json) context.stdout.write(`${JSON.stringify(wrongCall(error))}\n`);
    return EXIT.usage;
  }
}

/** What a program reads of a call that the command does not know; people read the same on standard error. */
function wrongCall({ message }: CommanderError) {
  const remedy = "kt help lists the commands, kt help COMMAND what one takes.";
  return { exit: EXIT.usage, error: { code: "usage", message: message.replace(/^error: /, ""), remedy } };
}

async function perform(context: Context, flags: SharedFlags, work: () => Promise<Report>): Promise<ExitCode> {
  let report: Report;
  try {
    report = await work();
  } catch (error) {
    report = await failed(context, flags, error);
  }
  if (flags.json === true) context.stdout.write(`${JSON.stringify({ exit: report.exit, ...report.data })}\n`);
  else
    report.print(
      new Paper(
        report.exit === EXIT.fine || report.data["error"] === undefined ? context.stdout : context.stderr,
        context.environment,
      ),
    );
  return report.exit;
}

async function failed(context: Context, flags: SharedFlags, error: unknown): Promise<Report> {
  const failure = error instanceof LogClientError ? plainFailure(error) : error;
  if (!(failure instanceof Failure)) return fault(failure);
  const { bundle, remedy, reason, path, section } = failure.detail;
  const evidence = bundle === undefined ? undefined : await saveBundle(context, flags, bundle);
  const bad = failure.exit === EXIT.misbehaviour || failure.exit === EXIT.unexpectedKey;
  return {
    exit: failure.exit,
    data: { error: { code: failure.code, message: failure.message, reason, path, section, remedy, evidence } },
    print(paper) {
      paper.inked([bad ? "bad" : "warn", bad ? "ALARM  " : "kt: "], "");
      paper.paragraph(failure.message, "  ");
      if (section !== undefined && section !== "HTTP")
        paper.paragraph(`Rule: ${section}${path ? ` (${path})` : ""}`, "  ");
      if (evidence !== undefined) paper.evidence(evidence);
      if (remedy !== undefined) paper.paragraph(remedy, "  ");
    },
  };
}

function fault(error: unknown): Report {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exit: EXIT.internal,
    data: { error: { code: "internal", message: error instanceof Error ? error.message : String(error) } },
    print(paper) {
      paper.line("kt: a fault of this program", "bad");
      for (const line of text.split("\n")) paper.line(line);
    },
  };
}
