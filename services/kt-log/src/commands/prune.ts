import { Configuration } from "@mls-as/keytrans";
import { planPruning } from "@mls-as/keytrans/prover";
import { decode } from "@mls-as/tls-codec";
import type { Config } from "../config.js";
import { DataFolderError } from "../data-folder.js";
import { isInitialised, openStore } from "../storage/open-store.js";
import type { LogStore, Pruned } from "../storage/store.js";
import { Progress } from "./progress.js";

export interface PruneFlags {
  /** Whether expired log entries go too: users whose view ends in one are answered `version-expired` from then on. */
  readonly entries?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What a pruning did. */
export interface PruneResult extends Pruned {
  /** The first entry whose tree is left; undefined where nothing has expired since the last pruning. */
  readonly firstUnexpired: number | undefined;
}

/** Drops what has expired. @throws DataFolderError where the log has no maximum lifetime */
export async function prune(
  store: LogStore,
  { entries = false }: PruneFlags,
  onProgress?: (position: number, total: number) => void,
): Promise<PruneResult> {
  const configuration = decode(Configuration, (await store.setting("configuration")) ?? new Uint8Array());
  if (configuration.maximumLifetime === undefined)
    throw new DataFolderError(
      "This log has no maximum lifetime: its entries never expire, and clients may ask for any of them.",
    );
  const before = await store.pruning();
  // Entries before this one may be gone; those after it tell again what has expired.
  const plan = await planPruning(store, configuration, before?.entries ?? 0);
  const done =
    plan !== undefined && plan.firstUnexpired === before?.trees && (!entries || plan.firstUnexpired === before.entries);
  if (plan === undefined || done) return { firstUnexpired: undefined, nodes: 0, entries: 0 };
  const pruned = await store.prune(plan, {
    entries,
    onProgress: (position) => onProgress?.(position, plan.firstUnexpired),
  });
  return { firstUnexpired: plan.firstUnexpired, ...pruned };
}

/** `kt-log prune`. May run beside a serving log. @returns the exit code */
export async function runPrune(config: Config, flags: PruneFlags): Promise<number> {
  if (!(await isInitialised(config))) throw new DataFolderError(`There is no log in ${config.dataDir}.`);
  const store = await openStore(config);
  const progress = new Progress(flags.json === true);
  try {
    const result = await prune(store, flags, (done, total) => progress.report(done, total, "log entries"));
    progress.end();
    const { firstUnexpired, nodes, entries } = result;
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ ...result, firstUnexpired: firstUnexpired ?? null })}\n`);
    else if (firstUnexpired === undefined) process.stdout.write("Nothing has expired since the last time.\n");
    else
      process.stdout.write(
        `${nodes} tree nodes and ${entries} log entries from before entry ${firstUnexpired} are gone.\n`,
      );
    return 0;
  } finally {
    progress.end();
    await store.close();
  }
}
