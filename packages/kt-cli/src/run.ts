import { CommanderError } from "commander";
import { LogClientError } from "@mls-as/kt-client";
import { plainFailure } from "./asking.js";
import { hex } from "./bytes-text.js";
import type { Context } from "./context.js";
import { type Bundle, bundleConfiguration, bundleJson } from "./evidence/bundle.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import { logOf } from "./exchange-replay.js";
import { Failure } from "./failure.js";
import { inHome, writeJson } from "./json-file.js";
import { createProgram } from "./program.js";
import type { Report } from "./report.js";
import { Paper } from "./terminal/paper.js";

/** Options of every command. */
export interface SharedFlags {
  readonly json?: boolean | undefined;
  /** Folder for evidence files. */
  readonly evidenceDir?: string | undefined;
}

/** Runs `kt` with its arguments (without the program's name) and says how it should exit. */
export async function kt(args: readonly string[], context: Context): Promise<ExitCode> {
  let exit: ExitCode = EXIT.fine;
  const program = createProgram(context, async (flags, work) => {
    exit = await perform(context, flags, work);
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    throw error;
  }
}

/** A command's work, given to whoever prints and exits. */
export type Perform = (flags: SharedFlags, work: () => Promise<Report>) => Promise<void>;

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
      if (evidence !== undefined) {
        paper.paragraph(`Evidence: ${evidence}`, "  ");
        paper.paragraph(`Anyone can judge it offline: kt evidence ${evidence}`, "  ");
      }
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

/** Writes an evidence file, named for the log, the kind and the time. Gives its path. */
export async function saveBundle(context: Context, flags: SharedFlags, bundle: Bundle): Promise<string> {
  const folder = flags.evidenceDir ?? inHome(context, "evidence");
  const { logId } = await logOf(bundleConfiguration(bundle));
  const stamp = new Date(context.clock()).toISOString().replaceAll(/[-:.]/g, "");
  const path = `${folder}/${hex(logId).slice(0, 8)}-${bundle.kind}-${stamp}.json`;
  await writeJson(path, { ...bundleJson(bundle), log: hex(logId), foundAt: context.clock() });
  return path;
}
