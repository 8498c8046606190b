// Brings a fresh clone to a built state with nothing but Node and npm. Imports node: builtins only, since nothing is installed yet.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFolder = join(root, ".bootstrap-lock");
const stampFile = join(root, "node_modules", ".installed-for");

/** Identifies what `npm ci` would install here: the lock file, and the Node version that native modules are built for. */
function expectedStamp() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(process.version)
    .digest("hex");
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === expectedStamp();
}

/** Runs a command with its output on stderr, so that stdout stays free for the caller's own. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${status}`);
}

function holderIsAlive() {
  try {
    process.kill(Number(readFileSync(join(lockFolder, "pid"), "utf8")), 0);
    return true;
  } catch (error) {
    // EPERM: it lives under another user. ENOENT: the holder is between mkdir and writing its pid, or gone.
    return error.code === "EPERM";
  }
}

/** Two first starts at once: one installs and builds, the other waits. */
async function withLock(action) {
  let missingPid = 0;
  for (;;) {
    try {
      mkdirSync(lockFolder);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      missingPid = holderIsAlive() ? 0 : missingPid + 1;
      if (missingPid > 10) rmSync(lockFolder, { recursive: true, force: true });
      await sleep(200);
    }
  }
  try {
    writeFileSync(join(lockFolder, "pid"), String(process.pid));
    return await action();
  } finally {
    rmSync(lockFolder, { recursive: true, force: true });
  }
}

export function stamp() {
  // Not in place: a copy of node_modules made by links keeps its own stamp.
  const draft = `${stampFile}.${process.pid}`;
  writeFileSync(draft, expectedStamp());
  renameSync(draft, stampFile);
}

/** Installs when the lock file or the Node version changed, then builds what changed. */
export async function prepare() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node 20.19 or later is needed; this is ${process.version}.`);
  await withLock(() => {
    if (!isInstalled()) {
      process.stderr.write("Installing dependencies (first start, or the lock file changed) …\n");
      run("npm", ["ci", "--loglevel=error"]);
      stamp();
    }
    run(process.execPath, [join(root, "node_modules", "@typescript", "native", "bin", "tsc"), "-b"]);
  });
}
