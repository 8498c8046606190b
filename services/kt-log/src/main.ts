#!/usr/bin/env node
import { ConfigurationError, describeConfiguration, stopOnSignals } from "@mls-as/service-runtime";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { type Config, readConfig } from "./config.js";
import { DataFolderError, initialise, readPassphrase } from "./data-folder.js";
import { RolledBackError } from "./head-memory.js";
import { KeyFileError } from "./keys.js";
import { ArchiveError } from "./archive/archive-error.js";
import { runExport } from "./commands/export.js";
import { runFsck } from "./commands/fsck.js";
import { runImport } from "./commands/import.js";
import { runPrune } from "./commands/prune.js";
import { serve } from "./serve.js";
import { SETTINGS, VARIABLE_PREFIX } from "./settings.js";
import { isInitialised, openStore } from "./storage/open-store.js";
import { verifierKeyOf } from "./witnessing/checkpoint-key.js";

interface Flags {
  readonly config?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: number;
  readonly init?: boolean;
  readonly json?: boolean;
}

interface InitFlags extends Flags {
  readonly auditorPublicKey?: Uint8Array;
  readonly leafPublicKey?: Uint8Array;
  readonly maxAuditorLag: number;
  readonly auditorStart?: number;
  readonly maximumLifetime?: number;
}

function publicKeyBytes(text: string): Uint8Array {
  if (!/^([0-9a-f]{64}|04[0-9a-f]{128})$/i.test(text))
    throw new InvalidArgumentError("a public key is 64 hexadecimal digits (Ed25519), or 130 from 04 on (P-256)");
  return new Uint8Array(Buffer.from(text, "hex"));
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("a port is a number from 0 to 65535");
  return port;
}

function wholeNumber(text: string): number {
  const version = Number(text);
  if (!/^\d+$/.test(text) || version >= 2 ** 32) throw new InvalidArgumentError("this is a number below 2^32");
  return version;
}

function configOf({ config, data, host, port }: Flags): Config {
  const environment = config === undefined ? process.env : { ...process.env, KT_LOG_CONFIG: config };
  return readConfig(environment, {
    ...(data === undefined ? {} : { dataDir: data }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  });
}

async function runServe(flags: Flags): Promise<void> {
  const config = configOf(flags);
  if (flags.init === true && !(await isInitialised(config))) await initialise(config);
  const service = await serve(config);
  stopOnSignals(() => service.close(), report);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ url: service.url, pid: process.pid })}\n`
      : `The log listens on ${service.url} (data in ${config.dataDir}). Ctrl-C stops it.\n`,
  );
}

async function runInit(flags: InitFlags): Promise<void> {
  const config = configOf(flags);
  const { auditorPublicKey: publicKey, maxAuditorLag, auditorStart, maximumLifetime, leafPublicKey } = flags;
  if (publicKey === undefined && auditorStart !== undefined)
    throw new DataFolderError("--auditor-start is for a log with an auditor; give --auditor-public-key too.");
  await initialise(config, {
    leafPublicKey,
    auditor: publicKey && { publicKey, maxLagMilliseconds: maxAuditorLag * 1000, startPosition: auditorStart },
    maximumLifetimeMilliseconds: maximumLifetime === undefined ? undefined : maximumLifetime * 1000,
  });
  process.stdout.write(`A log was made in ${config.dataDir}.\n`);
  process.stdout.write(`The AS needs ${config.dataDir}/writer-token. Back up keys.json and its passphrase apart.\n`);
}

/** What an operator did wrong is told in a sentence; anything else is a fault of this program and shows its stack. */
function report(error: unknown): number {
  const kinds = [ArchiveError, ConfigurationError, DataFolderError, KeyFileError, RolledBackError];
  const known = error instanceof Error && kinds.some((kind) => error instanceof kind);
  const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`kt-log: ${text}\n`);
  return known ? 2 : 1;
}

const HELP = `
Settings come from flags, the environment (KT_LOG_PORT), a TOML file (port = 8441) that --config or KT_LOG_CONFIG
names, and defaults, in this order. All of them are checked at start; kt-log settings lists them.

First steps:
  kt-log init --data DIR      makes keys, writer token and the log's configuration
  kt-log serve --data DIR     answers requests; give the AS DIR/writer-token
  kt-log fsck --data DIR      checks everything that is stored

Exit codes: 0 well, 1 something is wrong with the log or the program, 2 something is wrong with how it was called.`;

const program = new Command("kt-log")
  .description("A Key Transparency log (draft-ietf-keytrans-protocol) on SQLite or PostgreSQL.")
  .showHelpAfterError("(kt-log --help says more)")
  .exitOverride()
  .addHelpText("after", HELP);

program
  .command("serve")
  .description("answer requests until SIGTERM")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--host <host>", "address to listen on (KT_LOG_HOST; default 127.0.0.1)")
  .option("--port <n>", "port; 0 takes any free one (KT_LOG_PORT; default 8441)", portNumber)
  .option("--init", "make a new log first when the folder has none")
  .option("--json", "print one JSON line when ready")
  .action(runServe);

program
  .command("init")
  .description("make keys, writer token and the genesis configuration of a new log")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--auditor-public-key <hex>", "Ed25519 key of the third party that audits this log", publicKeyBytes)
  .option(
    "--leaf-public-key <hex>",
    "third-party management: this log is the manager, and this the Service Operator's key",
    publicKeyBytes,
  )
  .option("--max-auditor-lag <seconds>", "how far the auditor may lag behind the newest entry", wholeNumber, 3600)
  .option("--auditor-start <position>", "first log entry that the auditor checks (default 0)", wholeNumber)
  .option(
    "--maximum-lifetime <seconds>",
    "after which log entries expire and can be pruned (default: never)",
    wholeNumber,
  )
  .action(runInit);

program
  .command("fsck")
  .description("derive both trees again and compare all that is stored; exit 1 when something is wrong")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (flags: Flags) => {
    process.exitCode = await runFsck(configOf(flags), flags.json === true);
  });

program
  .command("prune")
  .description("of a log with a maximum lifetime, delete the versions of the prefix tree that have expired")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--entries", "delete expired log entries too: users who were away for longer cannot be served any more")
  .option("--json", "print one JSON line")
  .action(async (flags: Flags & { readonly entries?: boolean }) => {
    process.exitCode = await runPrune(configOf(flags), flags);
  });

program
  .command("export <file>")
  .description("write the whole log, without its keys, into a new archive; - is the standard output")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (file: string, flags: Flags) => {
    process.exitCode = await runExport(configOf(flags), file, flags.json === true);
  });

program
  .command("import <file>")
  .description("make a log from an archive, deriving and verifying all of it; - is the standard input")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (file: string, flags: Flags) => {
    process.exitCode = await runImport(configOf(flags), file, flags.json === true);
  });

program
  .command("erase <label>")
  .description("delete the stored values of a label up to a version; the proofs of what is left stay valid")
  .requiredOption("--through <version>", "last version whose value is deleted", wholeNumber)
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .action(async (label: string, flags: Flags & { readonly through: number }) => {
    const store = await openStore(configOf(flags));
    const count = await store.eraseOpenings(new TextEncoder().encode(label), flags.through);
    await store.close();
    process.stdout.write(`${count} values were deleted.\n`);
  });

program
  .command("settings")
  .description("list every setting: name in the file, variable, default, meaning")
  .option("--json", "print JSON")
  .action((flags: Flags) => {
    const rows = describeConfiguration(SETTINGS, VARIABLE_PREFIX);
    const lines = rows.map((row) => `${row.field} (${row.variable}; ${row.default ?? "none"})\n    ${row.help}\n`);
    process.stdout.write(flags.json === true ? `${JSON.stringify(rows, undefined, 2)}\n` : lines.join(""));
  });

program
  .command("witness-key")
  .description("print the verifier key of the parallel log, for witnesses and clients; made where there is none yet")
  .option("--config <file>", "TOML file with settings (KT_LOG_CONFIG)")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--origin <name>", "name of the parallel log, as log.example/keytrans (KT_LOG_WITNESS_ORIGIN)")
  .action(async (flags: Flags & { readonly origin?: string }) => {
    const config = configOf(flags);
    const origin = flags.origin ?? config.witnessOrigin;
    if (origin === undefined) throw new DataFolderError("Give the name of the parallel log with --origin.");
    if (!(await isInitialised(config))) throw new DataFolderError(`There is no log in ${config.dataDir}.`);
    process.stdout.write(`${await verifierKeyOf(config.dataDir, await readPassphrase(config), origin)}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  // Its message has been written.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  process.exit(report(error));
}
