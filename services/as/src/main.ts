#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { auditCommand, exportCommand } from "./commands/audit.js";
import { ceremonyCommand, initCommand, rotateCommand } from "./commands/authorities.js";
import { approveCommand, listCommand, revokeCommand, tokenCommand } from "./commands/enrolment.js";
import { eraseCommand } from "./commands/erase.js";
import { EXIT, failureOf } from "./commands/failure.js";
import { fsckCommand } from "./commands/fsck.js";
import { examplesText } from "./commands/options.js";
import { policyCommand } from "./commands/policy.js";
import { serveCommand } from "./commands/serve.js";

function describe(program: Command): Command {
  const commands = [
    serveCommand(),
    initCommand(),
    ceremonyCommand(),
    tokenCommand(),
    approveCommand(),
    listCommand(),
    revokeCommand(),
    eraseCommand(),
    rotateCommand(),
    policyCommand(),
    auditCommand(),
    exportCommand(),
    fsckCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return program;
}

/** Usage errors end with 2; what `--help` prints ends with 0. */
function overrideExits(command: Command): Command {
  command.exitOverride().showHelpAfterError("(add --help for usage and examples)");
  for (const child of command.commands) overrideExits(child);
  return command;
}

const program = overrideExits(
  describe(
    new Command("mls-as").description(
      "An Authentication Service for Messaging Layer Security: it signs only what the log already holds.",
    ),
  ).addHelpText(
    "after",
    `${examplesText(`
      mls-as serve --log-url http://127.0.0.1:8441 --log-writer-token-file ./data/kt-log/writer-token
      mls-as token mimi://mls.example/u/alice mimi://mls.example/d/alice/phone
      mls-as list --status active
      mls-as revoke mimi://mls.example/d/alice/phone --reason keyCompromise
    `)}

Exit codes: 0 done; 1 something is wrong or the work failed; 2 wrong usage or configuration, nothing was done;
3 the service, the log or the token does not answer, try again.`,
  ),
);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else {
    const { exitCode, code, message, remedy } = failureOf(error);
    process.stderr.write(
      process.argv.includes("--json")
        ? `${JSON.stringify({ error: { code, message, remedy: remedy ?? null } })}\n`
        : `mls-as: ${message}\n${remedy === undefined ? "" : `  ${remedy}\n`}`,
    );
    process.exitCode = exitCode;
  }
}
