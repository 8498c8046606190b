import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Configuration, type SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { decode } from "@mls-as/tls-codec";
import type { Config } from "../config.js";
import { DataFolderError, FILES, readPassphrase } from "../data-folder.js";
import { fsck } from "../fsck/fsck.js";
import { openKeys } from "../keys.js";
import { isInitialised, openStore } from "../storage/open-store.js";
import type { LogStore } from "../storage/store.js";
import { VrfPool } from "../vrf-pool.js";
import { Progress } from "./progress.js";

/** `kt-log fsck`: tells what it finds, repairs nothing. @returns the exit code: 1 when something is wrong */
export async function runFsck(config: Config, json: boolean): Promise<number> {
  if (!(await isInitialised(config))) throw new DataFolderError(`There is no log in ${config.dataDir}.`);
  const writerToken = await readFile(join(config.dataDir, FILES.writerToken), "utf8").catch(() => undefined);
  const store = await openStore(config);
  const vrf = await vrfOf(config, store);
  const progress = new Progress(json);
  const begun = Date.now();
  try {
    const result = await fsck(store, {
      writerToken: writerToken?.trim(),
      vrf,
      onProgress: (done, total, stage) => progress.report(done, total, stage),
    });
    progress.end();
    const { findings, treeSize, versions, erased, unproven } = result;
    const seconds = (Date.now() - begun) / 1000;
    if (json) process.stdout.write(`${JSON.stringify({ ok: findings.length === 0, ...result, seconds })}\n`);
    else {
      for (const { where, what } of findings) process.stdout.write(`${where}: ${what}\n`);
      const verdict = findings.length === 0 ? "everything agrees" : `${findings.length} findings`;
      process.stdout.write(`${treeSize} entries, ${versions} versions, ${erased} erased: ${verdict}\n`);
      if (unproven > 0)
        process.stdout.write(
          `${unproven} VRF outputs have no proof yet and were not computed: the keys are not here.\n`,
        );
    }
    return findings.length === 0 ? 0 : 1;
  } finally {
    progress.end();
    await vrf?.close();
    await store.close();
  }
}

/** The log's VRF, where its keys can be opened here: a copy of the database alone can be checked too. */
async function vrfOf(config: Config, store: LogStore): Promise<VrfPool | undefined> {
  try {
    const configuration = decode(Configuration, (await store.setting("configuration")) ?? new Uint8Array());
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    const keys = await openKeys(join(config.dataDir, FILES.keys), await readPassphrase(config));
    const pool = new VrfPool({ suite, privateKey: keys.vrf, threads: config.vrfThreads });
    if (Buffer.compare(pool.publicKey, configuration.vrfPublicKey) === 0) return pool;
    await pool.close();
    return undefined;
  } catch {
    return undefined;
  }
}
