import { defineConfig } from "vitest/config";

const source = (path: string): string => `${new URL("packages", import.meta.url).pathname}/${path}`;

/** The tests of packages/mls-credentials whose subject are paths, verdicts and ghosts, for mutation testing. */
export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^@mls-as\/mls-credentials\/(ts-mls|ts-mls-2)$/,
        replacement: source("mls-credentials/src/adapters/$1.ts"),
      },
      { find: /^@mls-as\/mls-credentials\/client$/, replacement: source("mls-credentials/src/client/index.ts") },
      { find: /^@mls-as\/keytrans\/node$/, replacement: source("keytrans/src/suite/node.ts") },
      { find: /^@mls-as\/keytrans\/(\w+)$/, replacement: source("keytrans/src/$1/index.ts") },
      { find: /^@mls-as\/mls-core\/node$/, replacement: source("mls-core/src/node.ts") },
      { find: /^@mls-as\/([\w-]+)$/, replacement: source("$1/src/index.ts") },
    ],
  },
  test: {
    include: [
      "packages/mls-credentials/src/{certificate,ghost,identity}/**/*.test.ts",
      "packages/mls-credentials/src/*.test.ts",
      "test/conformance/{ghost,verdict,device-list,x509}.test.ts",
      "test/credentials/{device-list-change,evidence-edges,ghost-evidence,list-reading,log-misbehaviour,own-devices,pinned-group,same-client,stale-evidence,staple,verdict-basis,verdict-batch}.test.ts",
      "test/x509/{mls-profile,path-validation,profile-edges}.test.ts",
    ],
    // Left out is what says the same at greater length.
    testNamePattern:
      /^(?!.*(restarted after every event|without [A-Z_]+ some trace fails|is what (this code makes|the generator writes)|our own corpus agrees with every case))/,
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
