import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { Configuration, type Signer, type Suite, type SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { createProver, type Prover } from "@mls-as/keytrans/prover";
import { decode } from "@mls-as/tls-codec";
import { createLogger } from "@mls-as/service-runtime";
import type { Logger } from "pino";
import type { AccessPolicy } from "./access/access-policy.js";
import { configuredAccess } from "./access/configured-access.js";
import { RequestNonces } from "./access/request-nonces.js";
import type { Config } from "./config.js";
import { DataFolderError, FILES, readPassphrase } from "./data-folder.js";
import { HeadMemory } from "./head-memory.js";
import { openKeys } from "./keys.js";
import { Metrics } from "./metrics.js";
import { Sequencer } from "./sequencer.js";
import { type ExternalTreeHeadKey, openTreeHeadKey } from "./tree-head-signer.js";
import type { Leadership } from "./storage/leadership.js";
import { witnessObserver } from "./witnessing/observer.js";
import { openWitnessing } from "./witnessing/open-witnessing.js";
import type { Witnessing } from "./witnessing/witnessing.js";
import { isInitialised, openLeadership, openStore } from "./storage/open-store.js";
import type { LogStore } from "./storage/store.js";
import { VrfPool } from "./vrf-pool.js";

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** What the routes work with. */
export interface Context {
  readonly config: Config;
  readonly configuration: Configuration;
  /** As signed with: never re-encoded. */
  readonly configurationBytes: Uint8Array;
  /** SHA-256 of the writer token. */
  readonly writerTokenHash: Uint8Array;
  readonly access: AccessPolicy;
  /** For device-signed requests; a refusal carries a fresh one. */
  readonly nonces: RequestNonces;
  /** Undefined where no witnesses are configured. */
  readonly witnessing: Witnessing | undefined;
  readonly suite: Suite;
  /** Signs tree heads. */
  readonly signer: Signer;
  readonly store: LogStore;
  readonly prover: Prover;
  /** Evaluates the VRF in worker threads. */
  readonly vrf: VrfPool;
  /** Undefined where the key in keys.json signs. */
  readonly treeHeadKey: ExternalTreeHeadKey | undefined;
  readonly sequencer: Sequencer;
  readonly leadership: Leadership;
  readonly headMemory: HeadMemory;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

async function required(store: LogStore, key: string): Promise<Uint8Array> {
  const value = await store.setting(key);
  if (value === undefined) throw new DataFolderError(`The database has no ${key}; it was not made by kt-log init.`);
  return value;
}

export interface ContextOptions {
  /** An operator's own rules in place of those of the configuration. */
  readonly access?: AccessPolicy | undefined;
}

/** Opens an initialised data folder and starts its sequencer. @throws DataFolderError, KeyFileError, ConfigurationError */
export async function openContext(
  config: Config,
  clock: () => number = Date.now,
  options: ContextOptions = {},
): Promise<Context> {
  if (!(await isInitialised(config)))
    throw new DataFolderError(
      `There is no log in ${config.dataDir}. Make one with: kt-log init --data ${config.dataDir}`,
    );
  const logger = createLogger(config.logLevel);
  const store = await openStore(config);
  let leadership: Leadership | undefined;
  let vrfPool: VrfPool | undefined;
  let treeHeadKey: ExternalTreeHeadKey | undefined;
  try {
    const configurationBytes = await required(store, "configuration");
    const configuration = decode(Configuration, configurationBytes);
    const writerTokenHash = await required(store, "writer-token-sha256");
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    const passphrase = await readPassphrase(config);
    const keys = await openKeys(join(config.dataDir, FILES.keys), passphrase);
    const vrf = new VrfPool({ suite, privateKey: keys.vrf, threads: config.vrfThreads });
    vrfPool = vrf;
    const external = await openTreeHeadKey(config, passphrase);
    treeHeadKey = external;
    const signer = external?.signer ?? suite.importSigner(keys.signature);
    if (
      Buffer.compare(signer.publicKey, configuration.signaturePublicKey) !== 0 ||
      Buffer.compare(vrf.publicKey, configuration.vrfPublicKey) !== 0
    )
      throw new DataFolderError("The keys are not those of this log's configuration; restore the right key file.");
    const headMemory = new HeadMemory(config.headMemoryFile ?? join(config.dataDir, FILES.headMemory));
    const metrics = new Metrics({ store, clock, configuration });
    const elected = await openLeadership(config);
    leadership = elected;
    const holder = await elected.holder();
    if (holder !== undefined)
      logger.warn(
        holder,
        "another process makes this log's entries; this one serves readers and takes over when it ends",
      );
    const nonces = new RequestNonces(clock);
    const access = options.access ?? (await configuredAccess(config, writerTokenHash, nonces, clock));
    const witnessing = await openWitnessing({
      config,
      store,
      passphrase,
      headMemory,
      leading: () => elected.leading,
      observer: witnessObserver(metrics, logger),
    });
    metrics.witnessing = witnessing;
    const sequencer = new Sequencer({
      context: { suite, configuration, vrfPrivateKey: vrf, signer, random },
      vrf,
      store,
      setting: config,
      clock,
      onFailure: (error) => {
        metrics.failedCommits.inc();
        logger.error({ err: error }, "a log entry could not be committed");
      },
      metrics: metrics.sequencer,
      memory: headMemory,
      leading: () => elected.leading,
    });
    await sequencer.start();
    witnessing?.start();
    return {
      config,
      configuration,
      configurationBytes,
      writerTokenHash,
      access,
      nonces,
      witnessing,
      suite,
      signer,
      store,
      prover: createProver({ suite, configuration, vrfPrivateKey: vrf, store }),
      vrf,
      treeHeadKey: external,
      sequencer,
      leadership,
      headMemory,
      metrics,
      logger,
      clock,
    };
  } catch (error) {
    await leadership?.stop();
    await vrfPool?.close();
    await treeHeadKey?.close();
    await store.close();
    throw error;
  }
}

/** Commits what is waiting and closes the store. */
export async function closeContext(context: Context): Promise<void> {
  await context.sequencer.stop();
  await context.witnessing?.stop();
  await context.leadership.stop();
  await context.vrf.close();
  await context.treeHeadKey?.close();
  await context.store.close();
}
