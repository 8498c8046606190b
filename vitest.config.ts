import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Tests run against the sources: every workspace export is mapped from its `dist` file to the file it is built from. */
function sourceAliases(): { find: RegExp; replacement: string }[] {
  const aliases: { find: RegExp; replacement: string }[] = [];
  for (const group of ["packages", "services"])
    for (const folder of readdirSync(new URL(`./${group}`, import.meta.url))) {
      const base = new URL(`./${group}/${folder}/`, import.meta.url);
      const manifest = JSON.parse(readFileSync(new URL("package.json", base), "utf8")) as {
        name: string;
        exports: Record<string, { default: string }>;
      };
      for (const [subpath, target] of Object.entries(manifest.exports))
        aliases.push({
          find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`),
          replacement: new URL(target.default.replace("/dist/", "/src/").replace(/\.js$/, ".ts"), base).pathname,
        });
    }
  return aliases;
}

/** Only in the long mode: these need the right to mount a disk of their own. */
const MOUNTING = ["test/faults/kt-log/full-disk.test.ts"];

export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    include: ["packages/*/src/**/*.test.ts", "services/*/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...(process.env["MLS_AS_LONG"] === "1" ? [] : MOUNTING)],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
