import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeProvider } from "@mls-as/mls-core/node";
import { verifyContinuity, verifyDeviceApproval } from "@mls-as/mls-credentials";
import { guardSigner, type KeyRole, type Signer, type SigningKey } from "@mls-as/signers";
import {
  createLogger,
  listen,
  type LogLevel,
  processMetrics,
  startTracing,
  writeDurably,
} from "@mls-as/service-runtime";
import { pino } from "pino";
import { createApp } from "./app.js";
import { toBase64Url } from "./binary-text.js";
import { readCaIndex } from "./ca/ca-index.js";
import { createDevelopmentCa } from "./ca/development-ca.js";
import { openKeyRing, tokenWithoutPin } from "./ca/key-ring.js";
import { CallerLimits } from "./caller-limits.js";
import { LiveAuthorities } from "./ca/live-authorities.js";
import { listenForEst } from "./est/listener.js";
import { type Config, resolveConfig } from "./config.js";
import type { AppContext } from "./context.js";
import { Nonces } from "./enrolment/nonces.js";
import { oidcCheck } from "./enrolment/oidc.js";
import { memberCheck } from "./issuance/final-check.js";
import { OcspAnswers } from "./revocation/ocsp-answers.js";
import { Resumer } from "./issuance/resume.js";
import { LabelQueue } from "./label-queue.js";
import { KeytransLog } from "./log/keytrans-log.js";
import { httpLogTransport } from "./log/transport.js";
import { createMetrics } from "./metrics.js";
import { ensurePolicy } from "./policy/validation-policy.js";
import { forgetRunning, rememberRunning } from "./running-service.js";
import { KeyUseLedger } from "./signer/key-use-ledger.js";
import { openStore } from "./storage/open-store.js";
import type { Store } from "./storage/store.js";

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
  readonly databaseUrl?: string | undefined;
  /** `pkcs11:` URI of the token that keys are made on; default what the data folder says, else key files. */
  readonly keys?: string | undefined;
  /** File with the token's PIN, when the URI names none. */
  readonly pinFile?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
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
  const keys = await openOrCreate(options);
  const folder = join(dataDir, "ca");
  const config = resolveConfig({ ...configOf(options), domain: (await readCaIndex(folder))?.domain ?? "" });
  const tracing = await startTracing({ service: "mls-as", endpoint: config.tracingEndpoint });
  const store = await openStore({ dataDir, databaseUrl: options.databaseUrl });
  try {
    const ledger = new KeyUseLedger(store, now);
    const signer = guardSigner(keys, { roles: ROLES, onUse: ledger.record });
    const authorities = await LiveAuthorities.open(folder, signer, now());
    const log = await connectLog(store, options, config);
    const adminToken = await claimToken(dataDir, "admin-token");
    const feedToken = await claimToken(dataDir, "feed-token");
    const nonceKey = await store.claimMeta("nonce-key", randomBytes(32));
    const logger = options.quiet === true ? pino({ level: "silent" }) : createLogger(options.logLevel ?? "info");
    let publicUrl = options.publicUrl?.replace(/\/+$/, "") ?? "";
    const metrics = createMetrics({ openIntents: async () => (await store.openIntents()).length });
    const ocsp = new OcspAnswers({
      store,
      issuers: () => authorities.issuers,
      ocspResponders: authorities.responders,
      now,
    });
    const context: AppContext = {
      ocsp,
      store,
      log,
      config,
      signer,
      authorities,
      logger,
      metrics,
      callers: new CallerLimits(config, Date.now),
      askLog: logProbe(options.logUrl),
      now,
      logId: log.logId,
      issuers: () => authorities.issuers,
      policyKey: await openPolicyKey(store, signer),
      ocspResponders: authorities.responders,
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
    processMetrics(metrics.registry);
    const app = createApp(context);
    const server = await listen({ fetch: (request, bindings) => app.fetch(request, bindings ?? {}), host, port });
    const { url } = server;
    if (publicUrl === "") publicUrl = url;
    const est = config.est === undefined ? undefined : await listenForEst(context, config.est);
    const resumer = new Resumer(context, () => ensurePolicy(context));
    resumer.start();
    const chores = startChores(authorities, ledger, context);
    await rememberRunning(dataDir, url);
    const close = async (): Promise<void> => {
      await forgetRunning(dataDir);
      await est?.close();
      await server.close(10_000);
      await resumer.stop();
      await context.queue.idle();
      await chores.stop();
      await signer.close();
      await store.close();
      await tracing.stop();
    };
    return { url, adminToken, estUrl: est?.url, close };
  } catch (error) {
    await keys.close();
    await store.close();
    await tracing.stop();
    throw error;
  }
}

/** Roles that a running service may use keys for. The root's is not among them: it is for ceremonies. */
const ROLES: readonly KeyRole[] = ["issuing", "ocsp", "policy"];
const REFRESH_MILLISECONDS = 2_000;
const FLUSH_MILLISECONDS = 60_000;
const PRECOMPUTE_MILLISECONDS = 120_000;

/** What is done beside requests: issuers that were rotated are taken over, counted uses of keys are written. */
function startChores(
  authorities: LiveAuthorities,
  ledger: KeyUseLedger,
  { logger, alarm, ocsp }: AppContext,
): { stop(): Promise<void> } {
  const underWay = new Set<Promise<void>>();
  const every = (milliseconds: number, event: string, work: () => Promise<void>): NodeJS.Timeout => {
    const run = (): void => {
      const running = work()
        .catch((error: unknown) => alarm(event, { reason: String(error) }))
        .finally(() => underWay.delete(running));
      underWay.add(running);
    };
    return setInterval(run, milliseconds).unref();
  };
  const refresh = every(REFRESH_MILLISECONDS, "authorities-unreadable", async () => {
    if (!(await authorities.refresh(now()))) return;
    const issuers = authorities.issuers.map(({ id, status }) => `${id} ${status}`);
    logger.info({ issuers }, "issuers changed");
  });
  const precompute = every(PRECOMPUTE_MILLISECONDS, "ocsp-unsigned", async () => void (await ocsp.precompute()));
  const flush = every(FLUSH_MILLISECONDS, "audit-unwritten", () => ledger.flush());
  return {
    async stop() {
      clearInterval(refresh);
      clearInterval(precompute);
      clearInterval(flush);
      await Promise.all(underWay);
      await ledger.flush();
    },
  };
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
    keys: _k,
    pinFile: _f,
    logLevel: _l,
    ...config
  } = options;
  return config;
}

/** Opens the keys of the data folder; on the first start a development CA is made. */
async function openOrCreate({ dataDir, domain, keys, pinFile }: StartOptions): Promise<Signer> {
  const folder = join(dataDir, "ca");
  const existing = await readCaIndex(folder);
  if (existing !== undefined && domain !== undefined && domain !== existing.domain)
    throw new Error(`${dataDir} belongs to the domain ${existing.domain}, not to ${domain}`);
  const signer = await openKeyRing({ folder, keys, pinFile });
  if (existing === undefined)
    await createDevelopmentCa(
      folder,
      signer,
      resolveConfig(domain === undefined ? {} : { domain }).domain,
      now(),
      tokenWithoutPin(keys),
    );
  return signer;
}

async function openPolicyKey(store: Store, signer: Signer): Promise<SigningKey> {
  const known = await store.meta("policy-key");
  if (known !== undefined) return await signer.open(new TextDecoder().decode(known), "policy");
  const made = await signer.generate("policy", "Ed25519");
  const claimed = await store.claimMeta("policy-key", new TextEncoder().encode(made.id));
  return await signer.open(new TextDecoder().decode(claimed), "policy");
}

/** The newest tree of the log that this service has verified, in the store. */
const SEEN_LOG = "seen-log";

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
  const log = await KeytransLog.connect(pinned, transport, {
    load: () => store.raisedMeta(SEEN_LOG),
    save: (treeSize, state) => store.raiseMeta(SEEN_LOG, treeSize, state),
  });
  const offered = await transport.get("configuration").catch(() => undefined);
  if (offered !== undefined) {
    const { logId } = await KeytransLog.connect(offered, transport);
    if (Buffer.compare(logId, log.logId) !== 0)
      throw new Error(`the log at ${logUrl} is not the log that this data folder belongs to`);
  }
  return log;
}

const PROBE_TIMEOUT = 2_000;
const PROBE_KEPT = 1_000;

/** Asks the log whether it answers, once a second at most: whoever asks whether this service is ready costs it nothing. */
function logProbe(url: string): () => Promise<void> {
  const transport = httpLogTransport({ url, writerToken: "", timeout: PROBE_TIMEOUT });
  let last: { readonly at: number; readonly answer: Promise<unknown> } | undefined;
  return async () => {
    if (last === undefined || Date.now() - last.at > PROBE_KEPT)
      last = { at: Date.now(), answer: transport.get("configuration") };
    await last.answer;
  };
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
