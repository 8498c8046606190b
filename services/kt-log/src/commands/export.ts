import { createWriteStream } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeArchive } from "../archive/write-archive.js";
import type { Config } from "../config.js";
import { DataFolderError } from "../data-folder.js";
import { isInitialised, openStore } from "../storage/open-store.js";
import { Progress } from "./progress.js";

/**
 * `kt-log export FILE`: an archive of the whole log, whole or not at all; `-` is the standard output. The log may serve
 * meanwhile. @returns the exit code. @throws DataFolderError where the file exists
 */
export async function runExport(config: Config, file: string, json: boolean): Promise<number> {
  if (!(await isInitialised(config))) throw new DataFolderError(`There is no log in ${config.dataDir}.`);
  const store = await openStore(config);
  const progress = new Progress(json);
  let entries = 0;
  try {
    const archive = writeArchive(store, (done, total) => {
      entries = done;
      progress.report(done, total, "log entries");
    });
    if (file === "-") await pipeline(archive, process.stdout, { end: false });
    else await writeWhole(file, archive);
    progress.end();
    const said = json ? JSON.stringify({ entries }) : `${entries} log entries were exported.`;
    (file === "-" ? process.stderr : process.stdout).write(`${said}\n`);
    return 0;
  } finally {
    progress.end();
    await store.close();
  }
}

/** Written beside, synced, and given its name only when complete: a link refuses to replace a file that is there. */
async function writeWhole(file: string, archive: AsyncGenerator<Uint8Array>): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await pipeline(archive, createWriteStream(draft, { flags: "wx", mode: 0o600 }));
    await sync(draft);
    await link(draft, file);
    await sync(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new DataFolderError(`${file} exists already; an export replaces nothing.`, { cause: error });
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
