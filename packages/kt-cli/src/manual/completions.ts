import type { CommandEntry } from "./command-tree.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Text inside single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const isFile = (value: string): boolean => /file|folder|dir|path|key/.test(value) && !/hex/.test(value);

/** A completion script for a shell: commands, options, and file names where they belong. */
export function completions(shell: Shell, name: string, commands: readonly CommandEntry[]): string {
  switch (shell) {
    case "bash":
      return bash(name, commands);
    case "zsh":
      return zsh(name, commands);
    case "fish":
      return fish(name, commands);
  }
}

function bash(name: string, commands: readonly CommandEntry[]): string {
  const cases = commands.map(({ name: command, options, takesFile }) => {
    const files = options.filter(({ value }) => isFile(value)).map(({ long }) => long);
    const afterFile =
      files.length === 0 ? [] : [`        ${files.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;`];
    return [
      `    ${command})`,
      '      case "$before" in',
      ...afterFile,
      "      esac",
      `      COMPREPLY=($(compgen ${takesFile ? "-f " : ""}-W "${options.map(({ long }) => long).join(" ")}" -- "$word"))`,
      "      ;;",
    ].join("\n");
  });
  return `# bash completion for ${name}
_${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(" ")} help --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
}
complete -o filenames -F _${name} ${name}
`;
}

function zsh(name: string, commands: readonly CommandEntry[]): string {
  const described = (text: string): string => text.replaceAll(/[:[\]\\]/g, "\\$&");
  const cases = commands.map(({ name: command, options, takesFile }) => {
    const specs = options.map(({ long, value, description }) => {
      const rest =
        value === "" ? "" : `:${described(value.replaceAll(/[<>[\]]/g, ""))}:${isFile(value) ? "_files" : ""}`;
      return quoted(`${long}[${described(description)}]${rest}`);
    });
    return `    ${command}) _arguments ${[...specs, ...(takesFile ? ["'*:file:_files'"] : [])].join(" \\\n      ")} ;;`;
  });
  return `#compdef ${name}
_${name}() {
  local -a commands=(
${commands.map((command) => `    ${quoted(`${command.name}:${described(command.description)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
_${name} "$@"
`;
}

function fish(name: string, commands: readonly CommandEntry[]): string {
  const lines = [`# fish completion for ${name}`, `complete -c ${name} -f`];
  for (const { name: command, description, options, takesFile } of commands) {
    lines.push(`complete -c ${name} -n __fish_use_subcommand -a ${command} -d ${quoted(description)}`);
    const within = `-n "__fish_seen_subcommand_from ${command}"`;
    if (takesFile) lines.push(`complete -c ${name} ${within} -F`);
    for (const { long, value, description: text } of options)
      lines.push(
        `complete -c ${name} ${within} -l ${long.replace(/^--/, "")}${value === "" ? "" : isFile(value) ? " -r -F" : " -x"} -d ${quoted(text)}`,
      );
  }
  return `${lines.join("\n")}\n`;
}
