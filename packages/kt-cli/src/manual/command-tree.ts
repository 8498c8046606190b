import type { Command, Option } from "commander";

/** A command as the man page and the completions tell of it. */
export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** As `<label>` or `[files...]`. */
  readonly arguments: string;
  /** Whether an argument is the name of a file. */
  readonly takesFile: boolean;
  readonly options: readonly OptionEntry[];
}

export interface OptionEntry {
  readonly long: string;
  /** What stands after it, as `<file>`; empty for a switch. */
  readonly value: string;
  readonly description: string;
}

/** Reads the commands that `createProgram` makes, in their order. */
export function commandTree(program: Command): readonly CommandEntry[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    arguments: command.registeredArguments
      .map((argument) => {
        const text = `${argument.name()}${argument.variadic ? "..." : ""}`;
        return argument.required ? `<${text}>` : `[${text}]`;
      })
      .join(" "),
    takesFile: command.registeredArguments.some((argument) => /^(file|files|folder)$/.test(argument.name())),
    options: command.options.filter(({ hidden }) => !hidden).map(readOption),
  }));
}

function readOption(option: Option): OptionEntry {
  const [, value = ""] = /\s([<[].*)$/.exec(option.flags) ?? [];
  const variable = option.envVar === undefined ? "" : ` (or ${option.envVar})`;
  return { long: option.long ?? option.flags, value, description: `${option.description}${variable}` };
}
