import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.js";
import { DataFolderError, FILES } from "../data-folder.js";
import { isInitialised, openStore } from "../storage/open-store.js";
import { fsck } from "./fsck.js";

/** `kt-log fsck`: tells what it finds, repairs nothing. @returns the exit code */
export async function runFsck(config: Config, json: boolean): Promise<number> {
  if (!(await isInitialised(config))) throw new DataFolderError(`There is no log in ${config.dataDir}.`);
  const writerToken = await readFile(join(config.dataDir, FILES.writerToken), "utf8").catch(() => undefined);
  const store = await openStore(config);
  let shown = 0;
  const onProgress = (done: number, total: number, stage: string): void => {
    if (json || !process.stderr.isTTY || Date.now() - shown < 250) return;
    shown = Date.now();
    process.stderr.write(`\r${stage}: ${done} of ${total}   `);
  };
  try {
    const result = await fsck(store, { writerToken: writerToken?.trim(), onProgress });
    const { findings, treeSize, versions, erased } = result;
    if (shown > 0) process.stderr.write("\n");
    if (json) process.stdout.write(`${JSON.stringify({ ok: findings.length === 0, ...result })}\n`);
    else {
      for (const { where, what } of findings) process.stdout.write(`${where}: ${what}\n`);
      const verdict = findings.length === 0 ? "everything agrees" : `${findings.length} findings`;
      process.stdout.write(`${treeSize} entries, ${versions} versions, ${erased} erased: ${verdict}\n`);
    }
    return findings.length === 0 ? 0 : 1;
  } finally {
    await store.close();
  }
}
