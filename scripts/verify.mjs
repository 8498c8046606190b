// `npm run -s verify`: everything about the code that is not a test. Runs every check and names those that failed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prepare, root } from "./bootstrap.mjs";

await prepare();

const bin = (name) => join(root, "node_modules", ".bin", name);
const command =
  (file, ...args) =>
  () => {
    const { status, stdout, stderr } = spawnSync(file, args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
    return status === 0 ? undefined : `${stdout}${stderr}`;
  };

/** The lock file must install the same everywhere: no download address, and every platform's optional binaries listed. */
function checkLockFile() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const faults = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined && !entry.link) faults.push(`${path} records a download address`);
    if (path.startsWith("node_modules/") && !entry.link && entry.integrity === undefined && !entry.inBundle)
      faults.push(`${path} has no integrity`);
    for (const name of Object.keys(entry.optionalDependencies ?? {}))
      if (
        lock.packages[`node_modules/${name}`] === undefined &&
        lock.packages[`${path}/node_modules/${name}`] === undefined
      )
        faults.push(`${path}: optional ${name} is missing, npm ci would fail`);
  }
  return faults.length === 0 ? undefined : faults.join("\n");
}

/** dependency-cruiser passes silently when it reads nothing; then nothing was checked. */
function checkImports() {
  const { status, stdout, stderr } = spawnSync(bin("depcruise"), ["packages", "services"], {
    cwd: root,
    encoding: "utf8",
  });
  const modules = Number(/\((\d+) modules/.exec(stdout)?.[1] ?? 0);
  if (status !== 0) return `${stdout}${stderr}`;
  return modules >= 10 ? undefined : `only ${modules} modules were read`;
}

function checkPackages() {
  const faults = [];
  for (const group of ["packages", "services"])
    for (const name of readdirSync(join(root, group))) {
      const folder = join(root, group, name);
      if (!existsSync(join(folder, "package.json"))) continue;
      const publint = spawnSync(bin("publint"), ["--strict", folder], { cwd: root, encoding: "utf8" });
      if (publint.status !== 0) faults.push(`${name}: ${publint.stdout}${publint.stderr}`);
      if (group !== "packages") continue;
      const types = spawnSync(bin("attw"), ["--pack", folder, "--profile", "esm-only", "--format", "ascii"], {
        cwd: root,
        encoding: "utf8",
      });
      if (types.status !== 0) faults.push(`${name}: ${types.stdout}${types.stderr}`);
    }
  return faults.length === 0 ? undefined : faults.join("\n");
}

const checks = {
  "lock file": checkLockFile,
  format: command(bin("biome"), "format", "."),
  lint: command(bin("oxlint"), "--type-aware", "--deny-warnings"),
  types: command(bin("tsc"), "-b"),
  "types of tests": command(bin("tsc"), "-p", "tsconfig.test.json"),
  "import rules": checkImports,
  "unused code": command(bin("knip")),
  "public API reports": command(process.execPath, "scripts/api-reports.mjs"),
  packages: checkPackages,
};

let failures = 0;
const chosen = process.argv.slice(2);
for (const [name, check] of Object.entries(checks)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const started = Date.now();
  const fault = check();
  console.log(`${fault === undefined ? "ok    " : "FAILED"} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (fault === undefined) continue;
  failures++;
  console.log(fault.trimEnd().replaceAll(/^/gm, "       "));
}
process.exitCode = failures === 0 ? 0 : 1;
