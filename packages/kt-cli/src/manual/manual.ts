import type { Context } from "../context.js";
import { createProgram, EXITS, VERSION } from "../program.js";
import { commandTree } from "./command-tree.js";
import { completions, SHELLS } from "./completions.js";
import { manPage } from "./man-page.js";

/** Every generated page, by its path in the package. */
export function manual(): Readonly<Record<string, string>> {
  const program = createProgram(nowhere, async () => undefined);
  const commands = commandTree(program);
  const about = { name: program.name(), description: program.description(), version: VERSION, after: EXITS };
  return {
    "man/kt.1": manPage(about, commands),
    ...Object.fromEntries(
      SHELLS.map((shell) => [`completions/kt.${shell}`, completions(shell, program.name(), commands)]),
    ),
  };
}

/** Help is asked for, nothing is run. */
const nowhere: Context = {
  stdout: { write: () => undefined, isTTY: false, columns: 100 },
  stderr: { write: () => undefined, isTTY: false, columns: 100 },
  stdin: async () => new Uint8Array(),
  fetch: () => Promise.reject(new Error("nothing is fetched for a manual")),
  clock: () => 0,
  sleep: async () => undefined,
  home: "",
  environment: {},
  signal: new AbortController().signal,
};
