/**/*.ts",
      "packages/keytrans/src/prefix-tree/{audit,bits,evaluate}.ts",
      "packages/keytrans/src/{binary-ladder,search-tree}.ts",
    ];

/**
 * Mutation testing of the code that verifies: `node scripts/mutation-keytrans.mjs [FOLDER...]`.
 * Results and what survives: docs/mutation-keytrans.md.
 */
export default {
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner", "./scripts/mutation-ignorer.mjs"],
  ignorers: ["words-for-people"],
  coverageAnalysis: "perTest",
  concurrency: 1,
  mutate: JSON.parse(process.env.KEYTRANS_MUTATE),
  ignorePatterns: [
    "/*",
    "!/packages",
    "/packages/*",
    "!/packages/keytrans",
    "!/packages/tls-codec",
    "!/test",
    "/test/*",
    "!/test/conformance",
    "!/test/differential",
    "!/test/vectors",
    "/test/vectors/*",
    "!/test/vectors/keytrans",
    "!/package.json",
    "!/tsconfig.base.json",
    "!/vitest.mutation.config.ts",
    "dist",
  ],
  allowEmpty: false,
  timeoutMS: 15_000,
  timeoutFactor: 2,
  incremental: true,
  incrementalFile: "reports/mutation/keytrans-incremental.json",
  reporters: ["json", "clear-text", "progress-append-only"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  checkers: [],
  disableTypeChecks: true,
  cleanTempDir: "always",
};
