import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { KeytransError } from "@mls-as/keytrans";
import { formatVerifierKey, parseTlogPolicy, type TlogPolicy } from "@mls-as/keytrans/witness";
import { ConfigurationError } from "@mls-as/service-runtime";
import type { Config } from "../config.js";
import { DataFolderError } from "../data-folder.js";
import type { HeadMemory } from "../head-memory.js";
import type { LogStore } from "../storage/store.js";
import { CHECKPOINT_KEY_FILE, createCheckpointKey, openCheckpointKey } from "./checkpoint-key.js";
import { WitnessState } from "./witness-state.js";
import { Witnessing, type WitnessObserver, witnessesOf } from "./witnessing.js";

export interface WitnessingContext {
  readonly config: Config;
  readonly store: LogStore;
  readonly passphrase: string;
  readonly headMemory: HeadMemory;
  readonly leading: () => boolean;
  readonly observer: WitnessObserver;
}

/**
 * Witnessing as the configuration asks for it; undefined where it asks for none. Before it returns, the witnesses that
 * answer have been asked whether they saw a larger or another tree than the store's.
 * @throws ConfigurationError, DataFolderError, KeyFileError, RolledBackError
 */
export async function openWitnessing(context: WitnessingContext): Promise<Witnessing | undefined> {
  const { config, store, passphrase, headMemory } = context;
  if (config.witnessPolicyFile === undefined) return undefined;
  const policy = await readPolicy(config.witnessPolicyFile);
  const origin = config.witnessOrigin;
  if (origin === undefined) throw fault("witness_origin", undefined, "witnesses need the name of the parallel log");
  // With more than one process on a database, each must hold the same key: init made it before the folder was copied.
  if (config.databaseUrl === undefined && !existsSync(join(config.dataDir, CHECKPOINT_KEY_FILE)))
    await createCheckpointKey(config.dataDir, passphrase);
  const signer = await openCheckpointKey(config.dataDir, passphrase, origin);
  const vkey = formatVerifierKey(signer.key);
  const known = await new WitnessState(store).identity(vkey);
  if (known !== vkey)
    throw new DataFolderError(
      `The checkpoints of this log were signed as ${known}, not ${vkey}: restore ${CHECKPOINT_KEY_FILE} and witness_origin.`,
    );
  const witnessing = new Witnessing({
    store,
    signer,
    policy,
    observer: context.observer,
    leading: context.leading,
    interval: config.witnessIntervalSeconds * 1000,
    timeout: config.witnessTimeoutSeconds * 1000,
    onContradiction: (treeSize, by) => headMemory.contradicted(treeSize, by),
  });
  await witnessing.compareWithWitnesses();
  headMemory.assertStartable();
  return witnessing;
}

async function readPolicy(path: string): Promise<TlogPolicy> {
  let policy: TlogPolicy;
  try {
    policy = parseTlogPolicy(await readFile(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof KeytransError ? cause.message : "the file cannot be read";
    throw fault("witness_policy_file", path, why, { cause });
  }
  if (policy.quorum !== undefined && witnessesOf(policy).length === 0)
    throw fault("witness_policy_file", path, "no witness of the policy has a URL, so that none can be asked");
  return policy;
}

const fault = (field: string, from: string | undefined, message: string, options?: ErrorOptions): ConfigurationError =>
  new ConfigurationError(
    [{ field, from, message, remedy: "See Witnesses in docs/operating-the-log.md, and C2SP tlog-policy" }],
    options,
  );
