import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { pino } from "pino";
import { createApp } from "./app.js";
import { toBase64Url } from "./binary-text.js";
import {
  type CertificationAuthorities,
  createDevelopmentCa,
  dataPassphrase,
  openAuthorities,
} from "./ca/development-ca.js";
import { openOcspDelegate } from "./ca/ocsp-delegate.js";
import type { OcspResponder } from "./revocation/ocsp-message.js";
import { listenForEst } from "./est/listener.js";
import { type Config, resolveConfig } from "./config.js";
import type { AppContext } from "./context.js";
import { writeDurably } from "./durable-file.js";
import { Nonces } from "./enrolment/nonces.js";
import { oidcCheck } from "./enrolment/oidc.js";
import { memberCheck } from "./issuance/final-check.js";
import { Resumer } from "./issuance/resume.js";
import { LabelQueue } from "./label-queue.js";
import { KeytransLog } from "./log/keytrans-log.js";
import { httpLogTransport } from "./log/transport.js";
import { createMetrics } from "./metrics.js";
import { ensurePolicy } from "./policy/validation-policy.js";
import type { SigningKey } from "./signer/signer.js";
import { SoftwareSigner } from "./signer/software.js";
import { openStore } from "./storage/open-store.js";
import type { Store } from "./storage/store.js";
import { nodeProvider } from "@mls-as/mls-core/node";
import { verifyContinuity, verifyDeviceApproval } from "@mls-as/mls-credentials";

export interface StartOptions extends Partial<Omit<Config, "domain">> {
  /** Folder for everything this service keeps; made when it is not there. */
  readonly dataDir: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Identity domain; default `mls.example`, and what the data folder was made for afterwards. */
  readonly domain?: string;
  readonly logUrl: string;
  readonly logWriterToken: string;
  /** Origin that goes into certificates; default the address it listens on. */
  readonly publicUrl?: string;
  /** No log lines on standard error. */
  readonly quiet?: boolean;
  /** PostgreSQL for several processes; default `MLS_AS_DATABASE_URL`, else SQLite in the data folder. */
  readonly databaseUrl?: string;
}

export interface RunningAs {
  readonly url: string;
  /** Where EST is served, when it is. */
  readonly estUrl: string | undefined;
  readonly adminToken: string;
  /** Stops taking requests, completes those under way, and closes the store. */
  close(): Promise<void>;
}

const now = (): number => Math.floor(Date.now() / 1000);

/**
 * Starts the service over a data folder: on the first start with a fresh development CA, afterwards with the same one.
 *
 * @throws Error when the log cannot be reached at the first start, or is another log than the folder belongs to
 */
export async function startAs(options: StartOptions): Promise<RunningAs> {
  const { dataDir, port, host = "127.0.0.1" } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const signer = new SoftwareSigner(join(dataDir, "ca", "keys"), await dataPassphrase(dataDir));
  const authorities = await openOrCreate(dataDir, signer, options.domain);
  const config = resolveConfig({ ...configOf(options), domain: authorities.domain });
  const store = await openStore({ dataDir, databaseUrl: options.databaseUrl });
  try {
    const log = await connectLog(store, options, config);
    const adminToken = await claimToken(dataDir, "admin-token");
    const feedToken = await claimToken(dataDir, "feed-token");
    const nonceKey = await store.claimMeta("nonce-key", randomBytes(32));
    const logger = pino(
      { level: options.quiet === true ? "silent" : "info" },
      pino.destination({ dest: 2, sync: true }),
    );
    let publicUrl = options.publicUrl?.replace(/\/+$/, "") ?? "";
    const metrics = createMetrics({ openIntents: async () => (await store.openIntents()).length });
    const context: AppContext = {
      store,
      log,
      config,
      signer,
      authorities,
      logger,
      metrics,
      now,
      logId: log.logId,
      issuers: () => authorities.issuers,
      policyKey: await openPolicyKey(store, signer),
      ocspResponders: await openResponders(dataDir, signer, authorities),
      finalCheck: memberCheck(nodeProvider, config, log.logId),
      verify: (approval) => verifyDeviceApproval(nodeProvider, approval),
      verifyContinuity: (continuity) => verifyContinuity(nodeProvider, continuity),
      checkProviderToken: config.oidc === undefined ? undefined : oidcCheck(config.oidc, config.domain),
      policy: config.enrolment,
      retention: config.retention,
      nonces: new Nonces(nonceKey, config.nonceLifetime),
      queue: new LabelQueue((label, work) => store.exclusively(label, work)),
      publicUrl: () => publicUrl,
      adminTokenHash: createHash("sha256").update(adminToken).digest(),
      feedTokenHash: createHash("sha256").update(feedToken).digest(),
      alarm: (event, detail) => {
        metrics.alarms.inc({ event });
        logger.error({ event, ...detail }, "alarm");
      },
    };
    const server = await listen(context, host, port);
    const address = server.address();
    const actual = typeof address === "object" && address !== null ? address.port : port;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
    if (publicUrl === "") publicUrl = url;
    const est = config.est === undefined ? undefined : await listenForEst(context, config.est);
    const resumer = new Resumer(context, () => ensurePolicy(context));
    resumer.start();
    const close = async (): Promise<void> => {
      await est?.close();
      await shutDown(server, resumer, context);
    };
    return { url, adminToken, estUrl: est?.url, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function configOf(options: StartOptions): Partial<Config> {
  const {
    dataDir: _d,
    port: _p,
    host: _h,
    domain: _n,
    logUrl: _u,
    logWriterToken: _w,
    publicUrl: _o,
    quiet: _q,
    databaseUrl: _b,
    ...config
  } = options;
  return config;
}

async function openOrCreate(
  dataDir: string,
  signer: SoftwareSigner,
  domain: string | undefined,
): Promise<CertificationAuthorities> {
  const folder = join(dataDir, "ca");
  const existing = await openAuthorities(folder, signer);
  if (existing !== undefined) {
    if (domain !== undefined && domain !== existing.domain)
      throw new Error(`${dataDir} belongs to the domain ${existing.domain}, not to ${domain}`);
    return existing;
  }
  await createDevelopmentCa(folder, signer, resolveConfig(domain === undefined ? {} : { domain }).domain, now());
  const created = await openAuthorities(folder, signer);
  if (created === undefined) throw new Error(`${folder} cannot be read back`);
  return created;
}

async function openPolicyKey(store: Store, signer: SoftwareSigner): Promise<SigningKey> {
  const known = await store.meta("policy-key");
  if (known !== undefined) return await signer.open(new TextDecoder().decode(known), "policy");
  const made = await signer.generate("policy", "Ed25519");
  const claimed = await store.claimMeta("policy-key", new TextEncoder().encode(made.id));
  return await signer.open(new TextDecoder().decode(claimed), "policy");
}

async function openResponders(
  dataDir: string,
  signer: SoftwareSigner,
  { issuers, domain }: CertificationAuthorities,
): Promise<Map<string, OcspResponder>> {
  const responders = new Map<string, OcspResponder>();
  for (const issuer of issuers)
    responders.set(issuer.id, await openOcspDelegate(join(dataDir, "ca"), signer, issuer, domain, now()));
  return responders;
}

/** Connects to the log and pins its configuration at first sight; it never changes afterwards. */
async function connectLog(
  store: Store,
  { logUrl, logWriterToken }: StartOptions,
  config: Config,
): Promise<KeytransLog> {
  const transport = httpLogTransport({ url: logUrl, writerToken: logWriterToken, timeout: config.logTimeout });
  let pinned = await store.meta("log-configuration");
  if (pinned === undefined) {
    const offered = await transport.get("configuration").catch((cause: unknown) => {
      throw new Error(`the log at ${logUrl} cannot be reached`, { cause });
    });
    await KeytransLog.connect(offered, transport);
    pinned = await store.claimMeta("log-configuration", offered);
  }
  const log = await KeytransLog.connect(pinned, transport);
  const offered = await transport.get("configuration").catch(() => undefined);
  if (offered !== undefined) {
    const { logId } = await KeytransLog.connect(offered, transport);
    if (Buffer.compare(logId, log.logId) !== 0)
      throw new Error(`the log at ${logUrl} is not the log that this data folder belongs to`);
  }
  return log;
}

/** Reads a token of the data folder, or makes it (mode 0600). */
async function claimToken(dataDir: string, name: "admin-token" | "feed-token"): Promise<string> {
  const path = join(dataDir, name);
  try {
    const token = (await readFile(path, "utf8")).trim();
    if (token.length >= 32) return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const token = toBase64Url(randomBytes(32));
  await writeDurably(path, `${token}\n`, 0o600);
  return token;
}

function listen(context: AppContext, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: createApp(context).fetch, hostname: host, port }, () => resolve(server)) as Server;
    server.requestTimeout = 60_000;
    server.headersTimeout = 15_000;
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} is taken; choose another with --port`, { cause: error })
          : error,
      ),
    );
  });
}

async function shutDown(server: Server, resumer: Resumer, context: AppContext): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), 10_000);
  await closed;
  clearTimeout(force);
  await resumer.stop();
  await context.queue.idle();
  await context.signer.close();
  await context.store.close();
}
