import type { CommandEntry } from "./command-tree.js";

/** Text for roff: what would be a request or an escape is none. */
const roff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("\u2014", "\\(em")
    .replaceAll(/^([.'])/gm, "\\&$1");

/** The man page kt(1), as roff with the man macros. */
export function manPage(
  { name, description, version, after }: { name: string; description: string; version: string; after: string },
  commands: readonly CommandEntry[],
): string {
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    ".SH NAME",
    `${name} \\- ${roff(description.replace(/\.$/, ""))}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    ".I command",
    "[options]",
    ".SH COMMANDS",
  ];
  for (const command of commands) {
    const usage = [command.name, command.arguments].filter((part) => part !== "").join(" ");
    lines.push(`.SS ${name} ${roff(usage)}`, roff(command.description));
    for (const { long, value, description: text } of command.options)
      lines.push(".TP", value === "" ? `.B ${roff(long)}` : `.BI "${roff(long)} " ${roff(value)}`, roff(text));
  }
  for (const section of after.trim().split(/\n\n+/)) {
    const [title = "", ...rest] = section.split("\n");
    if (rest.length === 0) {
      lines.push(".SH FILES AND ENVIRONMENT", roff(title));
      continue;
    }
    lines.push(`.SH ${title.replace(/:$/, "").toUpperCase()}`);
    for (const line of rest) {
      const [, code = "", text = ""] = /^\s*(\S+)\s+(.*)$/.exec(line) ?? [];
      lines.push(".TP", `.B ${roff(code)}`, roff(text));
    }
  }
  return `${lines.join("\n")}\n`;
}
