import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { compareWithLog, type DiscrepancyKind } from "../fsck.js";
import { compareWithLists, servedLists } from "../fsck-crl.js";
import { KeytransLog } from "../log/keytrans-log.js";
import { httpLogTransport } from "../log/transport.js";
import { runningUrl } from "../running-service.js";
import { openStore } from "../storage/open-store.js";
import { CommandError, EXIT } from "./failure.js";
import { dataOption, examplesText, jsonOption } from "./options.js";
import { print, table } from "./output.js";

/** What a person does about each kind. */
const ADVICE: Readonly<Record<DiscrepancyKind, string>> = {
  unlogged: "signed but not logged: revoke it, and find out how (docs/operations.md, Log behind the AS)",
  "unknown-here": "the database lost it: restore a backup, or revoke the device (docs/operations.md, Database lost)",
  "revoked-in-log": "the log is right: run with --repair",
  "revocation-not-logged": "run with --repair; a running service then logs it again",
  "list-differs": "store and log tell different lists: see docs/operations.md, Log behind the AS",
  "log-ahead": "harmless: the next change of this user catches up",
  "missing-from-crl": "its CRL does not list it: restart the service",
  "only-in-crl": "the store lost a revocation: run with --repair",
  "crl-unusable": "its CRL is not served, out of date or not signed by its issuer",
};

interface FsckFlags {
  readonly data: string;
  readonly logUrl: string;
  readonly logWriterTokenFile?: string;
  readonly url?: string;
  readonly repair?: boolean;
  readonly json?: boolean;
}

export function fsckCommand(): Command {
  return new Command("fsck")
    .description(
      "compare the database with what the log proves and with the CRLs that are served; the log is the truth",
    )
    .addOption(dataOption())
    .requiredOption("--log-url <url>", "the Key Transparency log")
    .option("--url <url>", "the running service, for its CRLs (default: the one that runs on the data folder)")
    .option("--log-writer-token-file <file>", "the log's writer token, for a log that only readers may search")
    .option("--repair", "bring revocations that only one side knows to the other")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `${examplesText(`
        mls-as fsck --log-url http://127.0.0.1:8441
        mls-as fsck --log-url http://127.0.0.1:8441 --repair
      `)}

Exit code 1 when anything is wrong; 'log-ahead' alone is not. Nothing is ever un-revoked.`,
    )
    .action(runFsck);
}

async function runFsck({ data, logUrl, logWriterTokenFile, url, repair, json }: FsckFlags): Promise<void> {
  const store = await openStore({ dataDir: data });
  const now = Math.floor(Date.now() / 1000);
  try {
    const configuration = await store.meta("log-configuration");
    if (configuration === undefined)
      throw new CommandError(`${data} has never been connected to a log`, {
        code: "no-log",
        remedy: "Check --data; the first 'mls-as serve' connects a folder.",
      });
    const writerToken = logWriterTokenFile === undefined ? "" : (await readFile(logWriterTokenFile, "utf8")).trim();
    const transport = httpLogTransport({ url: logUrl, writerToken, timeout: 30_000 });
    const log = await KeytransLog.connect(configuration, transport);
    const report = await compareWithLog(store, log, repair === true, now);
    const service = url ?? (await runningUrl(data));
    const lists = service === undefined ? [] : await compareWithLists(store, servedLists(service), now);
    const discrepancies = [...report.discrepancies, ...lists];
    const checked = service === undefined ? ["store", "log"] : ["store", "log", "crl"];
    if (json === true) print(JSON.stringify({ ...report, discrepancies, checked }));
    else {
      if (discrepancies.length > 0)
        print(
          table([
            ["WHAT", "ABOUT", "CREDENTIAL", "WHAT TO DO"],
            ...discrepancies.map(({ kind, label, credential }) => [kind, label, credential ?? "", ADVICE[kind]]),
          ]),
        );
      print(`${report.labels} users, ${report.credentials} credentials, ${discrepancies.length} discrepancies.`);
      if (service === undefined) print("No service runs on this folder, so that no CRL was looked at (--url).");
    }
    if (discrepancies.some(({ kind }) => kind !== "log-ahead")) process.exitCode = EXIT.failed;
  } finally {
    await store.close();
  }
}
