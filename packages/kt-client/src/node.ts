import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LogClientError } from "./client-error.js";
import type { StateStore } from "./state-store.js";

/** How long another process may hold the lock, which is taken for one comparison and one write, milliseconds. */
const PATIENCE = 20_000;
/** A lock without an owner's name that is older was left by a process that died before it wrote its name. */
const NAMELESS = 5000;
/** Seconds by which two readings of one process' start may differ. */
const SAME_START = 2;

/**
 * Keeps the state in a file of mode 0600, safe among processes of one machine: written beside, synced, renamed, under a
 * lock file that a dead process cannot hold.
 */
export function fileStateStore(path: string): StateStore {
  const read = async (): Promise<Uint8Array | undefined> => {
    try {
      return new Uint8Array(await readFile(path));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new LogClientError("store-failed", path, "cannot be read", { cause });
    }
  };
  return {
    async load() {
      const bytes = await read();
      return bytes && { bytes, revision: revisionOf(bytes) };
    },
    async save(bytes, expected) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        return await withLock(`${path}.lock`, async () => {
          const before = await read();
          if ((before && revisionOf(before)) !== expected) return undefined;
          await writeDurably(path, bytes);
          return revisionOf(bytes);
        });
      } catch (cause) {
        if (cause instanceof LogClientError) throw cause;
        throw new LogClientError("store-failed", path, "cannot be written", { cause });
      }
    },
  };
}

/** The content itself tells whether it changed: a state that returns to old bytes is the old state. */
const revisionOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Writes a file of mode 0600 so that after a crash it is either wholly there or as it was before. */
export async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Runs `work` while no other process runs its own under the same lock.
 *
 * @param patience milliseconds to wait for another; 0 where it will not end soon
 * @throws LogClientError store-failed
 */
export async function withLock<T>(lock: string, work: () => Promise<T>, patience = PATIENCE): Promise<T> {
  const start = performance.now();
  while (!(await take(lock))) {
    if (await isAbandoned(lock)) await remove(lock);
    else if (performance.now() - start >= patience)
      throw new LogClientError("store-failed", lock, "another process holds it; delete it if there is none");
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, "wx", 0o600);
    await file.writeFile(`${process.pid} ${processStart()}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** When this process started, seconds; the same in all of its threads, up to rounding. */
const processStart = (): number => Math.round(Date.now() / 1000 - process.uptime());

/** Whether the process that took the lock has died. */
async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const owner = await readFile(lock, "utf8");
    if (owner === "") return Date.now() - (await stat(lock)).mtimeMs > NAMELESS;
    const [pid, start] = owner.trim().split(" ").map(Number) as [number, number | undefined];
    // In a container that starts again, the process has the number of the one that died.
    if (pid === process.pid && start !== undefined) return Math.abs(start - processStart()) > SAME_START;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Only one process at a time may remove an abandoned lock, or it would remove its successor's. */
async function remove(lock: string): Promise<void> {
  const breaking = `${lock}.break`;
  if (!(await take(breaking))) {
    const age = await stat(breaking).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > PATIENCE) throw new LogClientError("store-failed", breaking, "left by a process that died; delete it");
    return;
  }
  try {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
  } finally {
    await rm(breaking, { force: true });
  }
}
