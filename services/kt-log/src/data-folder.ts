import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Configuration, KT_128_SHA256_Ed25519 } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { sequence } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";
import { writeDurably } from "@mls-as/service-runtime";
import type { Config } from "./config.js";
import { createKeys } from "./keys.js";
import { type ExternalTreeHeadKey, openTreeHeadKey } from "./tree-head-signer.js";
import { createCheckpointKey } from "./witnessing/checkpoint-key.js";
import { DATABASE_FILE, isInitialised } from "./storage/open-store.js";
import { PostgresLogStore } from "./storage/postgres.js";
import { SqliteLogStore } from "./storage/sqlite.js";

/** Files of a log's data folder. */
export const FILES = {
  database: DATABASE_FILE,
  keys: "keys.json",
  writerToken: "writer-token",
  passphrase: "passphrase",
  headMemory: "highest-head.json",
} as const;

export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/** The passphrase of the keys: from the environment, a file the operator names, or the development file beside the keys. */
export async function readPassphrase(config: Config): Promise<string> {
  if (config.passphrase !== undefined) return config.passphrase;
  const path = config.passphraseFile ?? join(config.dataDir, FILES.passphrase);
  try {
    return (await readFile(path, "utf8")).trimEnd();
  } catch (cause) {
    const hint = "set KT_LOG_PASSPHRASE or KT_LOG_PASSPHRASE_FILE";
    throw new DataFolderError(`The passphrase of the keys cannot be read from ${path}; ${hint}.`, { cause });
  }
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const MINUTE = 60_000n;

export interface InitOptions {
  /**
   * Third-party management: this log is the manager, and this is the Service Operator's key, which signs every value.
   * 32 bytes, Ed25519 (65, P-256, where the tree head key is of that curve).
   */
  readonly leafPublicKey?: Uint8Array | undefined;
  /** After which log entries expire and may be pruned; absent: never. */
  readonly maximumLifetimeMilliseconds?: number | undefined;
  /** Milliseconds since 1970, for the genesis entry. */
  readonly clock?: () => number;
  /** A third party that audits the log; absent: contact monitoring. */
  readonly auditor?:
    | {
        /** 32 bytes, Ed25519. */
        readonly publicKey: Uint8Array;
        /** How far the auditor's head may lag behind the newest entry. */
        readonly maxLagMilliseconds: number;
        /** Position of the first entry that it audits; default 0. Readers are served when it has signed that entry. */
        readonly startPosition?: number | undefined;
      }
    | undefined;
}

/**
 * Makes keys, writer token, `Configuration` and database of a new log, with the empty tree as its entry 0: contact monitoring unless an auditor is named, reasonable monitoring window
 * 24 h, max_ahead 60 s, max_behind 1 h, no maximum lifetime. The configuration never changes afterwards.
 * @throws DataFolderError when there is a log already
 */
export async function initialise(config: Config, options: InitOptions = {}): Promise<void> {
  const { dataDir } = config;
  const { auditor, leafPublicKey, maximumLifetimeMilliseconds } = options;
  if (auditor !== undefined && leafPublicKey !== undefined)
    throw new DataFolderError("A log has an auditor or a manager, not both: it has one deployment mode.");
  if (await isInitialised(config)) throw new DataFolderError(`There is a log in ${dataDir} already.`);
  if (maximumLifetimeMilliseconds !== undefined && maximumLifetimeMilliseconds <= 24 * 60 * Number(MINUTE))
    throw new DataFolderError(
      "The maximum lifetime must be greater than the reasonable monitoring window, 86400 seconds.",
    );
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (config.passphrase === undefined && config.passphraseFile === undefined)
    await writeDurably(join(dataDir, FILES.passphrase), `${randomBytes(24).toString("base64url")}\n`, 0o600);
  const passphrase = await readPassphrase(config);
  const external = await openTreeHeadKey(config, passphrase);
  try {
    await makeLog(config, passphrase, external, options);
  } finally {
    await external?.close();
  }
}

async function makeLog(
  config: Config,
  passphrase: string,
  external: ExternalTreeHeadKey | undefined,
  { auditor, leafPublicKey, maximumLifetimeMilliseconds, clock = Date.now }: InitOptions,
): Promise<void> {
  const { dataDir } = config;
  const suite = await nodeSuite(external?.suite ?? KT_128_SHA256_Ed25519);
  const keys = await createKeys(join(dataDir, FILES.keys), passphrase, suite, random);
  await createCheckpointKey(dataDir, passphrase);
  const signer = external?.signer ?? suite.importSigner(keys.signature);
  const common = {
    ciphersuite: suite.id,
    signaturePublicKey: signer.publicKey,
    vrfPublicKey: suite.importVrfPrivateKey(keys.vrf).publicKey,
    maxAhead: MINUTE,
    maxBehind: 60n * MINUTE,
    reasonableMonitoringWindow: 24n * 60n * MINUTE,
    maximumLifetime: maximumLifetimeMilliseconds === undefined ? undefined : BigInt(maximumLifetimeMilliseconds),
  };
  const configuration: Configuration =
    leafPublicKey !== undefined
      ? {
          ...common,
          mode: "thirdPartyManagement",
          leafPublicKey: suite.importSignatureKey(leafPublicKey).bytes,
        }
      : auditor === undefined
        ? { ...common, mode: "contactMonitoring" }
        : {
            ...common,
            mode: "thirdPartyAuditing",
            maxAuditorLag: BigInt(auditor.maxLagMilliseconds),
            auditorStartPos: BigInt(auditor.startPosition ?? 0),
            auditorPublicKey: suite.importSignatureKey(auditor.publicKey).bytes,
          };
  const writerToken = randomBytes(32).toString("base64url");
  await writeDurably(join(dataDir, FILES.writerToken), `${writerToken}\n`, 0o600);
  const settings = new Map([
    ["configuration", encode(Configuration, configuration)],
    ["writer-token-sha256", new Uint8Array(createHash("sha256").update(writerToken).digest())],
  ]);
  // The database comes last: a log that has its settings is complete.
  const draft = join(dataDir, `${FILES.database}.new`);
  const store =
    config.databaseUrl === undefined ? new SqliteLogStore(draft) : await PostgresLogStore.open(config.databaseUrl, 1);
  await store.initialise(settings);
  const vrfPrivateKey = suite.importVrfPrivateKey(keys.vrf);
  const genesis = await sequence({ suite, configuration, vrfPrivateKey, signer, random, store }, [], clock());
  await store.append(genesis.writes);
  await store.close();
  if (config.databaseUrl === undefined) await rename(draft, join(dataDir, FILES.database));
}
