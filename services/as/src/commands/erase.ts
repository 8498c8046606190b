import { isUserUri } from "@mls-as/mls-credentials";
import type { Command } from "commander";
import { CommandError } from "./failure.js";
import { operatorCommand, type Target, withOperator } from "./options.js";
import { print } from "./output.js";

export function eraseCommand(): Command {
  return operatorCommand(
    "erase",
    "erase everything that names a user who has no good credential left",
    `
      mls-as erase mimi://mls.example/u/alice        what there is; nothing is done
      mls-as erase mimi://mls.example/u/alice --yes
      mls-as revoke mimi://mls.example/d/alice/phone (first, for each device that is still active)
    `,
  )
    .argument("<user>", "user URI, as mimi://mls.example/u/alice")
    .option("--yes", "do it: it cannot be undone")
    .addHelpText(
      "after",
      `
Serial numbers and times stay for CRLs and OCSP, keys for the rule that no two clients share one, and the places of
audit entries in their chain; none of them names the user. The log keeps the user's lists: the command prints how they
are erased there.`,
    )
    .action(runErase);
}

async function runErase(user: string, options: Target & { yes?: boolean }): Promise<void> {
  if (!isUserUri(user))
    throw new CommandError(`${user} is not a user URI`, {
      code: "identity-invalid",
      remedy: "Write it as mimi://mls.example/u/alice",
    });
  const version = await withOperator(options, async (operator) => {
    if (options.yes !== true) {
      const { length } = await operator.list({ user });
      throw new CommandError(`${length} credentials of ${user} would be erased for ever; nothing was done`, {
        code: "not-confirmed",
        remedy: "Repeat the command with --yes.",
      });
    }
    return await operator.erase(user);
  });
  if (options.json === true) return print(JSON.stringify({ erased: user, version: version ?? null }));
  print(`${user} is erased here.`);
  if (version !== undefined) print(`Its lists in the log: kt-log erase ${user} --through ${version}`);
}
