import { createReadStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ArchiveError } from "../archive/archive-error.js";
import { readArchive } from "../archive/read-archive.js";
import { type Restored, restore } from "../archive/restore.js";
import type { Config } from "../config.js";
import { DataFolderError, FILES } from "../data-folder.js";
import { type Finding, fsck } from "../fsck/fsck.js";
import { isInitialised } from "../storage/open-store.js";
import { PostgresLogStore } from "../storage/postgres.js";
import { SqliteLogStore } from "../storage/sqlite.js";
import type { LogStore } from "../storage/store.js";
import { Progress } from "./progress.js";

/**
 * `kt-log import FILE`: a log from an archive, verified by deriving both trees again and by a whole fsck before it is
 * one; `-` is the standard input. Replaces nothing. An import that was interrupted left no log and is begun again.
 * @returns the exit code. @throws DataFolderError where there is a log, ArchiveError
 */
export async function runImport(config: Config, file: string, json: boolean): Promise<number> {
  const { dataDir, databaseUrl } = config;
  if (await isInitialised(config))
    throw new DataFolderError(
      `There is a log in ${databaseUrl === undefined ? dataDir : "the database"} already; an import replaces nothing.`,
    );
  const source = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: 2 ** 18 });
  const progress = new Progress(json);
  if (databaseUrl === undefined) await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = join(dataDir, `${FILES.database}.import`);
  const removeDraft = async (): Promise<void> => {
    for (const end of ["", "-wal", "-shm"]) await rm(draft + end, { force: true });
  };
  if (databaseUrl === undefined) await removeDraft();
  const open = (): Promise<LogStore> =>
    databaseUrl === undefined ? Promise.resolve(new SqliteLogStore(draft)) : PostgresLogStore.open(databaseUrl, 2);
  try {
    const { head, settings } = await fill(await open(), source, (done) =>
      progress.report(done, done, "entries derived"),
    );
    await verify(await open(), settings.get("configuration"), (done, total, stage) =>
      progress.report(done, total, stage),
    );
    await complete(await open(), settings);
    if (databaseUrl === undefined) await rename(draft, join(dataDir, FILES.database));
    progress.end();
    const said = json
      ? JSON.stringify({ entries: head.treeSize })
      : `${head.treeSize} log entries were imported. The keys and the writer token are not in an archive: copy them as well.`;
    process.stdout.write(`${said}\n`);
    return 0;
  } catch (error) {
    if (databaseUrl === undefined) await removeDraft();
    throw error;
  } finally {
    progress.end();
  }
}

async function fill(
  store: LogStore,
  source: AsyncIterable<Uint8Array>,
  onProgress: (done: number) => void,
): Promise<Restored> {
  try {
    await store.clear();
    return await restore(readArchive(source), store, onProgress);
  } finally {
    await store.close();
  }
}

async function verify(
  store: LogStore,
  configuration: Uint8Array | undefined,
  onProgress: (done: number, total: number, stage: string) => void,
): Promise<void> {
  let first: Finding | undefined;
  try {
    [first] = (await fsck(store, { configuration, onProgress })).findings;
  } finally {
    await store.close();
  }
  if (first !== undefined)
    throw new ArchiveError("inconsistent", `The archive holds no sound log: ${first.where}: ${first.what}.`);
}

/** From here on it is a log. */
async function complete(store: LogStore, settings: ReadonlyMap<string, Uint8Array>): Promise<void> {
  try {
    await store.initialise(settings);
  } finally {
    await store.close();
  }
}
