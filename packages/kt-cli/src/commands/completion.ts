import type { Command } from "commander";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { commandTree } from "../manual/command-tree.js";
import { completions, type Shell, SHELLS } from "../manual/completions.js";
import type { Report } from "../report.js";

/** Prints the completion script of a shell. @throws Failure usage */
export function completion(program: Command, shell: string): Report {
  if (!(SHELLS as readonly string[]).includes(shell))
    throw new Failure("usage", `There are completions for ${SHELLS.join(", ")}; not for ${shell}.`);
  const script = completions(shell as Shell, program.name(), commandTree(program));
  return {
    exit: EXIT.fine,
    data: { shell, script },
    // Not wrapped or cleaned: it is for a program.
    print: (paper) => paper.raw(script),
  };
}
