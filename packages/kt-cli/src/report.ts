import type { ExitCode } from "./exit-code.js";
import type { SharedFlags } from "./save-bundle.js";
import type { Paper } from "./terminal/paper.js";

/** What a command found out: once for programs, once for people. */
export interface Report {
  readonly exit: ExitCode;
  /** Plain JSON, printed by `--json`. */
  readonly data: Readonly<Record<string, unknown>>;
  print(paper: Paper): void;
}

/** A command's work, given to whoever prints and exits. */
export type Perform = (flags: SharedFlags, work: () => Promise<Report>) => Promise<void>;
