import { defineConfig } from "vitest/config";

const source = (path: string): string => `${new URL("packages", import.meta.url).pathname}/${path}`;

/** The tests of packages/keytrans whose subject are trees and algorithms, for mutation testing. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@mls-as\/keytrans\/node$/, replacement: source("keytrans/src/suite/node.ts") },
      { find: /^@mls-as\/keytrans\/(\w+)$/, replacement: source("keytrans/src/$1/index.ts") },
      { find: /^@mls-as\/keytrans$/, replacement: source("keytrans/src/index.ts") },
      { find: /^@mls-as\/tls-codec$/, replacement: source("tls-codec/src/index.ts") },
    ],
  },
  test: {
    include: [
      "packages/keytrans/src/*.test.ts",
      "packages/keytrans/src/structs/configuration.test.ts",
      "packages/keytrans/src/{algorithms,auditor,client,log-tree,prefix-tree,prover}/**/*.test.ts",
      "test/differential/keyed-histories.test.ts",
    ],
    // Left out is what takes long and finds nothing that the others do not: curves, and every byte of the same response.
    exclude: ["**/node_modules/**", "**/first-operations.test.ts"],
    testNamePattern:
      /^(?!.*(every change of one byte|refuses updates that are out of order|navigates logs of every size|(thirdPartyAuditing|thirdPartyManagement) random histories with (every|a wide|nothing)|maximum lifetime, history [23]|is not proven by an honest log))/,
    env: { MLS_AS_SHORT: "1" },
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
