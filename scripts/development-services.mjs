// The log and the AS in one process, on SQLite, with a development CA. What they share is HTTP, as in production.
import { resolve } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `Usage: npm start -- [--port N] [--log-port N] [--host H] [--data DIR] [--domain D] [--json]

  --port N      port of the AS (default 8440; 0: any free port, for the log too)
  --log-port N  port of the log (default: the AS's port + 1)
  --host H      address to listen on (default 127.0.0.1)
  --data DIR    where keys and databases are kept (default ./data); started again on it, the same CA and log go on
  --domain D    identity domain of a fresh CA (default mls.example)
  --json        one JSON line with the URLs when ready, for tools
`;

function port(name, text) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65535)
    throw new Error(`--${name} takes a port number from 0 to 65535, not '${text}'`);
  return number;
}

function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "8440" },
      "log-port": { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      data: { type: "string", default: "data" },
      domain: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const asPort = port("port", values.port);
  const logPort =
    values["log-port"] === undefined ? (asPort === 0 ? 0 : asPort + 1) : port("log-port", values["log-port"]);
  return { ...values, asPort, logPort, data: resolve(values.data) };
}

export async function main(args) {
  let options;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const { startKtLog } = await import("@mls-as/kt-log");
  const { startAs } = await import("@mls-as/as");
  const log = await startKtLog({
    dataDir: resolve(options.data, "kt-log"),
    port: options.logPort,
    host: options.host,
    quiet: options.json,
  });
  const as = await startAs({
    dataDir: resolve(options.data, "as"),
    port: options.asPort,
    host: options.host,
    logUrl: log.url,
    logWriterToken: log.writerToken,
    quiet: options.json,
    ...(options.domain === undefined ? {} : { domain: options.domain }),
  }).catch(async (error) => {
    await log.close();
    throw error;
  });
  let closing;
  const close = () => {
    closing ??= as
      .close()
      .then(() => log.close())
      .then(
        () => process.exit(0),
        (error) => {
          process.stderr.write(`${error.stack}\n`);
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", close);
  process.on("SIGINT", close);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ as: as.url, log: log.url, data: options.data, pid: process.pid })}\n`);
    return;
  }
  process.stdout.write(`
  Authentication Service  ${as.url}
  Key Transparency log    ${log.url}
  Data and keys           ${options.data}   (development CA; the admin token is as/admin-token there)

  Try next:
    open ${as.url}/docs                          the API, with a page to try it
    curl ${as.url}/v1/directory                  what clients start from
    npm run -s demo                               three MLS clients, and an operator who cheats
  Ctrl-C stops both.
`);
}
