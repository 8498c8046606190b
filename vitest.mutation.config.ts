import { defineConfig } from "vitest/config";

/** The tests of packages/keytrans whose subject are trees and algorithms, for mutation testing. */
export default defineConfig({
  resolve: {
    alias: {
      "@mls-as/tls-codec": new URL("packages/tls-codec/src/index.ts", import.meta.url).pathname,
    },
  },
  test: {
    include: ["packages/keytrans/src/{algorithms,auditor,client,evidence,log-tree,prefix-tree,prover}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/first-operations.test.ts"],
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
