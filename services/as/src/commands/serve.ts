import { readSecretFile, stopOnSignals } from "@mls-as/service-runtime";
import { Command, Option } from "commander";
import { issuanceConfig, readSettings, type Settings } from "../settings.js";
import { dataOption, duration, examplesText, jsonOption, wholeNumber } from "./options.js";
import { print } from "./output.js";

interface ServeFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly estPort?: number;
  readonly estCertificateFile?: string;
  readonly estKeyFile?: string;
  readonly [setting: string]: unknown;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run the service; makes a development CA in an empty data folder")
    .addOption(new Option("--config <file>", "TOML file with settings").env("MLS_AS_CONFIG"))
    .addOption(dataOption())
    .option("--port <port>", "0 picks a free one (default: 8440)", wholeNumber)
    .option("--host <host>", "address to listen on (default: 127.0.0.1)")
    .option("--log-url <url>", "the Key Transparency log")
    .option("--log-writer-token-file <file>", "file with the writer token that the log's init made")
    .option("--domain <domain>", "identity domain (fixed by the first start)")
    .option("--public-url <url>", "origin that goes into certificates, when it is not the address listened on")
    .option("--keys <uri>", "pkcs11: URI of the token that keys are made on")
    .option("--pin-file <file>", "file with the token's PIN")
    .option("--log-timeout <ms>", "how long to wait for the log", wholeNumber)
    .option("--certificate-lifetime <time>", "validity of credentials, as 90d", duration)
    .option("--est-port <port>", "serve Enrolment over Secure Transport there (TLS)", wholeNumber)
    .option("--est-certificate-file <file>", "PEM chain of the EST server")
    .option("--est-key-file <file>", "PEM private key of the EST server")
    .option("--log-level <level>", "least level of log lines (default: info; with --json error)")
    .addOption(jsonOption())
    .option("--quiet", "no log lines on standard error")
    .addHelpText(
      "after",
      `${examplesText(`
        mls-as serve --log-url http://127.0.0.1:8441 --log-writer-token-file ./data/kt-log/writer-token
        mls-as serve --config /etc/mls-as.toml
        MLS_AS_LOG_URL=https://log.example MLS_AS_PORT=443 mls-as serve
      `)}

Every setting can stand in the file (snake_case) or the environment (MLS_AS_ and the name in capitals);
flags go before the environment, the environment before the file. docs/operations.md lists them all.`,
    )
    .action(runServe);
}

async function runServe(flags: ServeFlags, command: Command): Promise<void> {
  const { config, json, quiet, estPort, estCertificateFile, estKeyFile, ...rest } = flags;
  if (command.getOptionValueSource("data") === "default") delete (rest as Record<string, unknown>)["data"];
  const { settings, unknownVariables } = readSettings(process.env, config, {
    ...rest,
    "est.port": estPort,
    "est.certificateFile": estCertificateFile,
    "est.keyFile": estKeyFile,
  });
  for (const name of unknownVariables) process.stderr.write(`mls-as: ${name} is set and means nothing here\n`);
  passSecretsOn(settings);
  const { data, host, port, publicUrl, domain, logUrl, keys, pinFile, databaseUrl, logLevel } = settings;
  // The other commands start sooner without the service.
  const { startAs } = await import("../start.js");
  const running = await startAs({
    ...issuanceConfig(settings),
    dataDir: data,
    host,
    port,
    logUrl,
    logWriterToken: await readSecretFile(settings.logWriterTokenFile, "log_writer_token_file"),
    // Who reads the URL from standard output is not flooded by the other pipe; alarms are errors.
    logLevel: logLevel ?? (json === true ? "error" : "info"),
    keys,
    pinFile,
    databaseUrl,
    quiet: quiet ?? false,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(domain === undefined ? {} : { domain }),
  });
  const { url, estUrl } = running;
  if (json === true) print(JSON.stringify({ url, ...(estUrl === undefined ? {} : { estUrl }), pid: process.pid }));
  else {
    print(`The Authentication Service listens at ${url}\nTry it: ${url}/docs`);
    if (estUrl !== undefined) print(`EST: ${estUrl}/.well-known/est`);
  }
  stopOnSignals(
    () => running.close(),
    (error) => process.stderr.write(`mls-as: ${String(error)}\n`),
  );
}

/** Secrets that stand in the file reach what reads them where the environment would have put them. */
function passSecretsOn({ passphrase, passphraseFile, pin, dataKey }: Settings): void {
  const secrets = {
    MLS_AS_PASSPHRASE: passphrase,
    MLS_AS_PASSPHRASE_FILE: passphraseFile,
    MLS_AS_PIN: pin,
    MLS_AS_DATA_KEY: dataKey,
  };
  for (const [name, value] of Object.entries(secrets)) if (value !== undefined) process.env[name] = value;
}
