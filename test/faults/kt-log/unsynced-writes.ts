import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("./drop-unsynced.c", import.meta.url));
const BLOCK = 4096;

/** A C compiler, which the layer that drops writes needs; undefined where there is none. */
export function compiler(): string | undefined {
  return ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Builds the layer. @returns what LD_PRELOAD takes */
export function buildLayer(cc: string, folder: string): string {
  const library = join(folder, "drop-unsynced.so");
  execFileSync(cc, ["-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]);
  return library;
}

/**
 * Makes the database what a disk may hold after a power failure: every block that was written after the last sync of its
 * file is there or not, at random; `keep` is the chance that it is.
 */
export function losePower(dataDir: string, keep: number): void {
  for (const name of ["log.sqlite", "log.sqlite-wal"]) {
    const path = join(dataDir, name);
    const synced = `${path}.synced`;
    if (!existsSync(path)) continue;
    if (!existsSync(synced)) {
      // Nothing of it was ever synced.
      if (Math.random() >= keep) rmSync(path);
      continue;
    }
    const now = readFileSync(path);
    const then = readFileSync(synced);
    const length = Math.random() < keep ? now.length : then.length;
    const left = Buffer.alloc(length);
    for (let at = 0; at < length; at += BLOCK) {
      const newer = Math.random() < keep && at < now.length;
      (newer || at >= then.length ? now : then).copy(left, at, at, Math.min(at + BLOCK, length));
    }
    writeFileSync(path, left);
  }
  // Shared memory does not outlive a power failure.
  rmSync(join(dataDir, "log.sqlite-shm"), { force: true });
  settle(dataDir);
}

/** What lies on the disk now survives the next power failure. */
export function settle(dataDir: string): void {
  for (const name of ["log.sqlite", "log.sqlite-wal"]) {
    const path = join(dataDir, name);
    if (existsSync(path)) copyFileSync(path, `${path}.synced`);
    else rmSync(`${path}.synced`, { force: true });
  }
}
