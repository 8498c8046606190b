// Runs a TypeScript entry of this repository (demo, benchmarks, conformance, generators) on Node, which cannot load it as it is.
// Workspace packages are taken as built, everything relative is bundled.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./bootstrap.mjs";

/** Bundles and imports `entry` (relative to the root), returning its module namespace. */
export async function importTypeScript(entry) {
  const { build } = await import("esbuild");
  const folder = join(root, "node_modules", ".cache", "run-typescript");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${entry.replaceAll(/[^a-z0-9]+/gi, "-")}-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "error",
    define: { "import.meta.url": JSON.stringify(pathToFileURL(join(root, entry)).href) },
  });
  process.once("exit", () => rmSync(outfile, { force: true }));
  return import(pathToFileURL(outfile).href);
}
