import { isClientUri, isUserUri, userOfClient } from "@mls-as/mls-credentials";
import { type Command, Option } from "commander";
import type { CredentialFilter } from "../operator.js";
import { REVOCATION_REASONS, type RevocationReason } from "../revocation/revoke.js";
import type { CredentialState } from "../storage/store.js";
import { CommandError } from "./failure.js";
import { duration, operatorCommand, type Target, withOperator } from "./options.js";
import { date, print, table } from "./output.js";

export function tokenCommand(): Command {
  return operatorCommand(
    "token",
    "make a one-time enrolment token for a device",
    `
      mls-as token mimi://mls.example/u/alice mimi://mls.example/d/alice/phone
      mls-as token mimi://mls.example/u/alice mimi://mls.example/d/alice/phone --lifetime 15m --json
    `,
  )
    .argument("<user>", "user URI, as mimi://mls.example/u/alice")
    .argument("<client>", "client URI, as mimi://mls.example/d/alice/phone")
    .option("--lifetime <time>", "how long it can be used, as 15m or 24h (default: 24h)", duration)
    .action(async (user: string, client: string, options: Target & { lifetime?: number }) => {
      requireIdentity(user, isUserUri(user), "a user URI", "mimi://mls.example/u/alice");
      requireIdentity(client, isClientUri(client), "a client URI", "mimi://mls.example/d/alice/phone");
      if (userOfClient(client) !== user)
        throw new CommandError(`${client} is not a device of ${user}`, {
          code: "identity-mismatch",
          remedy: "Both must have the same domain and user.",
        });
      await withOperator(options, async (operator) => {
        const made = await operator.createToken(user, client, options.lifetime);
        print(options.json === true ? JSON.stringify(made) : made.token);
      });
    });
}

function requireIdentity(text: string, good: boolean, kind: string, example: string): void {
  if (!good)
    throw new CommandError(`${text} is not ${kind}`, { code: "identity-invalid", remedy: `Write it as ${example}` });
}

export function listCommand(): Command {
  return operatorCommand(
    "list",
    "list credentials",
    `
      mls-as list --user mimi://mls.example/u/alice
      mls-as list --status revoked --json
    `,
  )
    .option("--user <uri>", "only of this user")
    .option("--client <uri>", "only of this device")
    .option("--serial <hex>", "only with this serial number")
    .addOption(new Option("--status <status>", "only in this state").choices(["pending", "active", "revoked"]))
    .action(async (options: Target & CredentialFilter & { status?: CredentialState }) => {
      const { user, client, serial, status } = options;
      const filter = {
        ...(user === undefined ? {} : { user }),
        ...(client === undefined ? {} : { client }),
        ...(serial === undefined ? {} : { serial }),
        ...(status === undefined ? {} : { status }),
      };
      const found = await withOperator(options, (operator) => operator.list(filter));
      if (options.json === true) return print(JSON.stringify(found));
      const rows = found.map((one) => [
        one.logged === false ? `${one.status}, not logged yet` : one.status,
        one.client,
        date(one.notAfter),
        one.id,
      ]);
      print(found.length === 0 ? "There are none." : table([["STATUS", "CLIENT", "VALID UNTIL", "ID"], ...rows]));
    });
}

export function revokeCommand(): Command {
  return operatorCommand(
    "revoke",
    "revoke a credential, or every credential of a device",
    `
      mls-as revoke mimi://mls.example/d/alice/phone --reason keyCompromise
      mls-as revoke 5f1d…ab (an id that 'mls-as list' shows)
      mls-as revoke --issuer 0123456789abcdef0123456789abcdef --reason superseded --yes
    `,
  )
    .argument("[id-or-client]", "credential id, or client URI")
    .option("--issuer <id>", "instead: everything that this issuing key has certified")
    .option("--yes", "with --issuer: do it")
    .addOption(
      new Option("--reason <reason>", "why; keyCompromise bars the key for ever")
        .choices(Object.keys(REVOCATION_REASONS))
        .default("unspecified"),
    )
    .action(runRevoke);
}

interface RevokeFlags extends Target {
  readonly reason: RevocationReason;
  readonly issuer?: string;
  readonly yes?: boolean;
}

async function runRevoke(target: string | undefined, flags: RevokeFlags): Promise<void> {
  const { issuer, reason, json, yes } = flags;
  if ((target === undefined) === (issuer === undefined))
    throw new CommandError("what is to be revoked?", {
      code: "usage",
      remedy: "Give one of: a credential id, a client URI, --issuer ID",
    });
  const ids = await withOperator(flags, async (operator) => {
    if (target !== undefined) return await operator.revoke(target, reason);
    const now = Date.now() / 1000;
    const issued = (await operator.list({})).filter((one) => one.issuer === issuer);
    const due = issued.filter(({ status, notAfter }) => status !== "revoked" && notAfter > now);
    if (yes !== true)
      throw new CommandError(`${due.length} credentials would be revoked; nothing was done`, {
        code: "not-confirmed",
        remedy: "Repeat the command with --yes.",
      });
    const revoked: string[] = [];
    for (const { id } of due) revoked.push(...(await operator.revoke(id, reason)));
    return revoked;
  });
  print(json === true ? JSON.stringify({ revoked: ids }) : `Revoked:\n${ids.join("\n")}`);
}

export function approveCommand(): Command {
  return operatorCommand(
    "approve",
    "show the devices that wait to be let in; let one in, or turn it away",
    `
      mls-as approve                                   who waits
      mls-as approve 0123456789abcdef0123456789abcdef  let this one in
      mls-as approve 0123456789abcdef0123456789abcdef --deny
    `,
  )
    .argument("[id]", "the request to decide")
    .option("--deny", "turn it away")
    .option("--user <uri>", "show only those of this user")
    .option("--all", "show those that are decided or have expired too")
    .action(async (id: string | undefined, options: Target & { deny?: boolean; user?: string; all?: boolean }) => {
      const { deny, user, all, json } = options;
      if (id === undefined && deny === true)
        throw new CommandError("which request?", { code: "usage", remedy: "Give its id: mls-as approve ID --deny" });
      await withOperator(options, async (operator) => {
        if (id !== undefined) {
          const state = deny === true ? "denied" : "approved";
          await operator.decide(id, state);
          return print(json === true ? JSON.stringify({ id, state }) : `${id} is ${state}.`);
        }
        const now = Date.now() / 1000;
        const found = (await operator.approvals(user)).filter(
          ({ state, expiresAt }) => all === true || (state === "pending" && expiresAt > now),
        );
        if (json === true) return print(JSON.stringify(found));
        const rows = found.map((one) => [
          one.state === "pending" && one.expiresAt <= now ? "expired" : one.state,
          one.client,
          date(one.expiresAt),
          one.id,
        ]);
        print(found.length === 0 ? "No device waits." : table([["STATE", "CLIENT", "UNTIL", "ID"], ...rows]));
      });
    });
}
