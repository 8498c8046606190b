#!/usr/bin/env node
import { ConfigurationError, stopOnSignals } from "@mls-as/service-runtime";
import { Command, InvalidArgumentError } from "commander";
import { type Config, readConfig } from "./config.js";
import { DataFolderError, initialise } from "./data-folder.js";
import { RolledBackError } from "./head-memory.js";
import { KeyFileError } from "./keys.js";
import { ArchiveError } from "./archive/archive-error.js";
import { runExport } from "./commands/export.js";
import { runFsck } from "./commands/fsck.js";
import { runImport } from "./commands/import.js";
import { runPrune } from "./commands/prune.js";
import { serve } from "./serve.js";
import { isInitialised, openStore } from "./storage/open-store.js";

interface Flags {
  readonly data?: string;
  readonly host?: string;
  readonly port?: number;
  readonly init?: boolean;
  readonly json?: boolean;
}

interface InitFlags extends Flags {
  readonly auditorPublicKey?: Uint8Array;
  readonly maxAuditorLag: number;
  readonly maximumLifetime?: number;
}

function publicKeyBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError("an Ed25519 public key is 64 hexadecimal digits");
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

function configOf({ data, host, port }: Flags): Config {
  return readConfig(process.env, {
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
  const { auditorPublicKey: publicKey, maxAuditorLag, maximumLifetime } = flags;
  await initialise(config, {
    auditor: publicKey && { publicKey, maxLagMilliseconds: maxAuditorLag * 1000 },
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

const program = new Command("kt-log")
  .description("A Key Transparency log (draft-ietf-keytrans-protocol) on one SQLite database.")
  .addHelpText(
    "after",
    "\nSettings can also come from the environment: KT_LOG_DATA, KT_LOG_PORT, KT_LOG_PASSPHRASE_FILE, …",
  );

program
  .command("serve")
  .description("answer requests until SIGTERM")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--host <host>", "address to listen on (KT_LOG_HOST; default 127.0.0.1)")
  .option("--port <n>", "port; 0 takes any free one (KT_LOG_PORT; default 8441)", portNumber)
  .option("--init", "make a new log first when the folder has none")
  .option("--json", "print one JSON line when ready")
  .action(runServe);

program
  .command("init")
  .description("make keys, writer token and the genesis configuration of a new log")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--auditor-public-key <hex>", "Ed25519 key of the third party that audits this log", publicKeyBytes)
  .option("--max-auditor-lag <seconds>", "how far the auditor may lag behind the newest entry", wholeNumber, 3600)
  .option(
    "--maximum-lifetime <seconds>",
    "after which log entries expire and can be pruned (default: never)",
    wholeNumber,
  )
  .action(runInit);

program
  .command("fsck")
  .description("derive both trees again and compare all that is stored; exit 1 when something is wrong")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (flags: Flags) => {
    process.exitCode = await runFsck(configOf(flags), flags.json === true);
  });

program
  .command("prune")
  .description("of a log with a maximum lifetime, delete the versions of the prefix tree that have expired")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--entries", "delete expired log entries too: users who were away for longer cannot be served any more")
  .option("--json", "print one JSON line")
  .action(async (flags: Flags & { readonly entries?: boolean }) => {
    process.exitCode = await runPrune(configOf(flags), flags);
  });

program
  .command("export <file>")
  .description("write the whole log, without its keys, into a new archive; - is the standard output")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (file: string, flags: Flags) => {
    process.exitCode = await runExport(configOf(flags), file, flags.json === true);
  });

program
  .command("import <file>")
  .description("make a log from an archive, deriving and verifying all of it; - is the standard input")
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .option("--json", "print one JSON line")
  .action(async (file: string, flags: Flags) => {
    process.exitCode = await runImport(configOf(flags), file, flags.json === true);
  });

program
  .command("erase <label>")
  .description("delete the stored values of a label up to a version; the proofs of what is left stay valid")
  .requiredOption("--through <version>", "last version whose value is deleted", wholeNumber)
  .option("--data <dir>", "data folder (KT_LOG_DATA; default data/kt-log)")
  .action(async (label: string, flags: Flags & { readonly through: number }) => {
    const store = await openStore(configOf(flags));
    const count = await store.eraseOpenings(new TextEncoder().encode(label), flags.through);
    await store.close();
    process.stdout.write(`${count} values were deleted.\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exit(report(error));
}
