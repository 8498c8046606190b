#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseClientUri, parseUserUri } from "@mls-as/mls-credentials";
import { Command, InvalidArgumentError, Option } from "commander";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "./audit.js";
import { createDevelopmentCa, dataPassphrase, openAuthorities } from "./ca/development-ca.js";
import { resolveConfig } from "./config.js";
import { compareWithLog } from "./fsck.js";
import { KeytransLog } from "./log/keytrans-log.js";
import { httpLogTransport } from "./log/transport.js";
import { localOperator, type Operator, remoteOperator } from "./operator.js";
import { REVOCATION_REASONS, type RevocationReason } from "./revocation/revoke.js";
import { SoftwareSigner } from "./signer/software.js";
import { openStore } from "./storage/open-store.js";
import { startAs } from "./start.js";
import type { AuditEntry } from "./storage/store.js";

interface Target {
  readonly data: string;
  readonly url?: string;
  readonly adminTokenFile?: string;
  readonly json?: boolean;
}

function integerArgument(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

async function withOperator(target: Target, work: (operator: Operator) => Promise<void>): Promise<void> {
  const operator =
    target.url === undefined
      ? await localOperator(target.data)
      : await remoteOperator(target.url, target.adminTokenFile ?? join(target.data, "admin-token"));
  try {
    await work(operator);
  } finally {
    await operator.close();
  }
}

const dataOption = (): Option =>
  new Option("--data <folder>", "the service's data folder").default("./data/as").env("MLS_AS_DATA");
const jsonOption = (): Option => new Option("--json", "print JSON for programs");
const operatorCommand = (name: string, summary: string): Command =>
  new Command(name)
    .description(summary)
    .addOption(dataOption())
    .option("--url <url>", "talk to a running service instead of working on the data folder")
    .option("--admin-token-file <file>", "its admin token (default: admin-token in the data folder)")
    .addOption(jsonOption());

const program = new Command("mls-as")
  .description("An Authentication Service for Messaging Layer Security: it signs only what the log already holds.")
  .showHelpAfterError();

program
  .command("serve")
  .description("run the service; makes a development CA in an empty data folder")
  .addOption(dataOption())
  .option("--port <port>", "0 picks a free one", integerArgument, 8440)
  .option("--host <host>", "address to listen on", "127.0.0.1")
  .requiredOption("--log-url <url>", "the Key Transparency log")
  .requiredOption("--log-writer-token-file <file>", "file with the writer token that the log's init made")
  .option("--domain <domain>", "identity domain (fixed by the first start)")
  .option("--public-url <url>", "origin that goes into certificates, when it is not the address listened on")
  .option("--log-timeout <ms>", "how long to wait for the log", integerArgument)
  .option("--certificate-lifetime <seconds>", "validity of credentials", integerArgument)
  .addOption(jsonOption())
  .option("--quiet", "no log lines on standard error")
  .action(
    async (options: {
      data: string;
      port: number;
      host: string;
      logUrl: string;
      logWriterTokenFile: string;
      domain?: string;
      publicUrl?: string;
      logTimeout?: number;
      certificateLifetime?: number;
      json?: boolean;
      quiet?: boolean;
    }) => {
      const { data, port, host, logUrl, logWriterTokenFile, json, quiet, ...rest } = options;
      const logWriterToken = (await readFile(logWriterTokenFile, "utf8")).trim();
      const running = await startAs({
        ...rest,
        dataDir: data,
        port,
        host,
        logUrl,
        logWriterToken,
        quiet: quiet ?? json ?? false,
      });
      if (json === true) print(JSON.stringify({ url: running.url, pid: process.pid }));
      else print(`The Authentication Service listens at ${running.url}\nTry it: ${running.url}/docs`);
      const stop = (): void => {
        running.close().then(
          () => process.exit(0),
          (error: unknown) => {
            process.stderr.write(`${String(error)}\n`);
            process.exit(1);
          },
        );
      };
      process.once("SIGTERM", stop);
      process.once("SIGINT", stop);
    },
  );

program
  .command("init")
  .description("make a development CA in a data folder, without starting the service")
  .addOption(dataOption())
  .option("--domain <domain>", "identity domain", "mls.example")
  .option("--development", "a CA whose root key lives beside the issuing keys (what this command makes)")
  .addOption(jsonOption())
  .action(async ({ data, domain, json }: { data: string; domain: string; json?: boolean }) => {
    const folder = join(data, "ca");
    const signer = new SoftwareSigner(join(folder, "keys"), await dataPassphrase(data));
    if ((await openAuthorities(folder, signer)) !== undefined)
      throw new Error(`${folder} holds a CA already; nothing was changed`);
    await createDevelopmentCa(folder, signer, resolveConfig({ domain }).domain, Math.floor(Date.now() / 1000));
    print(json === true ? JSON.stringify({ data, domain }) : `A development CA for ${domain} is in ${folder}.`);
  });

program.addCommand(
  operatorCommand("token", "make a one-time enrolment token for a device")
    .argument("<user>", "user URI, as mimi://mls.example/u/alice")
    .argument("<client>", "client URI, as mimi://mls.example/d/alice/phone")
    .option("--lifetime <seconds>", "how long it can be used", integerArgument)
    .action(async (user: string, client: string, options: Target & { lifetime?: number }) => {
      parseUserUri(user);
      if (
        parseClientUri(client).user !== parseUserUri(user).user ||
        parseClientUri(client).domain !== parseUserUri(user).domain
      )
        throw new Error(`${client} is not a device of ${user}`);
      await withOperator(options, async (operator) => {
        const made = await operator.createToken(user, client, options.lifetime);
        print(options.json === true ? JSON.stringify(made) : made.token);
      });
    }),
);

program.addCommand(
  operatorCommand("list", "list credentials")
    .option("--user <uri>")
    .option("--client <uri>")
    .addOption(new Option("--status <status>").choices(["pending", "active", "revoked"]))
    .action(async (options: Target & { user?: string; client?: string; status?: "pending" | "active" | "revoked" }) => {
      await withOperator(options, async (operator) => {
        const { user, client, status } = options;
        const filter = {
          ...(user === undefined ? {} : { user }),
          ...(client === undefined ? {} : { client }),
          ...(status === undefined ? {} : { status }),
        };
        const found = await operator.list(filter);
        if (options.json === true) print(JSON.stringify(found));
        else
          print(
            table([
              ["STATUS", "CLIENT", "VALID UNTIL", "ID"],
              ...found.map((one) => [
                one.logged === false ? `${one.status}, not logged yet` : one.status,
                one.client,
                date(one.notAfter),
                one.id,
              ]),
            ]),
          );
      });
    }),
);

program.addCommand(
  operatorCommand("revoke", "revoke a credential, or every credential of a device")
    .argument("<id-or-client>", "credential id, or client URI")
    .addOption(new Option("--reason <reason>").choices(Object.keys(REVOCATION_REASONS)).default("unspecified"))
    .action(async (target: string, options: Target & { reason: RevocationReason }) => {
      await withOperator(options, async (operator) => {
        const ids = await operator.revoke(target, options.reason);
        print(options.json === true ? JSON.stringify({ revoked: ids }) : `Revoked:\n${ids.join("\n")}`);
      });
    }),
);

program
  .command("fsck")
  .description("compare the store with what the log proves; the log is the truth")
  .addOption(dataOption())
  .requiredOption("--log-url <url>", "the Key Transparency log")
  .option("--repair", "bring revocations that only one side knows to the other")
  .addOption(jsonOption())
  .action(
    async ({ data, logUrl, repair, json }: { data: string; logUrl: string; repair?: boolean; json?: boolean }) => {
      const store = await openStore({ dataDir: data });
      try {
        const configuration = await store.meta("log-configuration");
        if (configuration === undefined) throw new Error(`${data} has never been connected to a log`);
        const log = await KeytransLog.connect(
          configuration,
          httpLogTransport({ url: logUrl, writerToken: "", timeout: 30_000 }),
        );
        const report = await compareWithLog(store, log, repair === true, Math.floor(Date.now() / 1000));
        if (json === true) print(JSON.stringify(report));
        else {
          for (const { kind, label, credential } of report.discrepancies)
            print(`${kind}  ${label}  ${credential ?? ""}`.trimEnd());
          print(
            `${report.labels} users, ${report.credentials} credentials, ${report.discrepancies.length} discrepancies.`,
          );
        }
        if (report.discrepancies.some(({ kind }) => kind !== "log-ahead")) process.exitCode = 1;
      } finally {
        await store.close();
      }
    },
  );

async function everyEntry(operator: Operator, identity?: string): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (let after = 0; ; ) {
    const page = await operator.audit(after, identity);
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined) return all;
    after = last.sequence;
  }
}

program.addCommand(
  operatorCommand("audit", "show the audit log, or verify its chain")
    .argument("[action]", "verify")
    .option("--identity <uri>", "only what is about this user")
    .action(async (action: string | undefined, options: Target & { identity?: string }) => {
      if (action !== undefined && action !== "verify") throw new Error("the only action is verify");
      await withOperator(options, async (operator) => {
        const entries = await everyEntry(operator, action === "verify" ? undefined : options.identity);
        if (action === undefined) {
          for (const entry of entries)
            print(
              options.json === true
                ? JSON.stringify(entry)
                : `${date(entry.time)}  ${entry.actor}  ${entry.action}  ${entry.subject ?? ""}  ${JSON.stringify(entry.detail ?? {})}`,
            );
          return;
        }
        const broken = firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0);
        print(
          options.json === true
            ? JSON.stringify({ entries: entries.length, broken: broken ?? null })
            : broken === undefined
              ? `${entries.length} entries, unbroken.`
              : `The chain is broken at entry ${broken}.`,
        );
        if (broken !== undefined) process.exitCode = 1;
      });
    }),
);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`mls-as: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
