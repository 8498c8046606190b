/** Who may import whom (docs/architecture.md). A run that reads no module at all fails in scripts/verify.mjs. */
const layers = {
  "packages/tls-codec": [],
  "packages/mls-core": ["packages/tls-codec"],
  "packages/keytrans": ["packages/tls-codec"],
  "packages/kt-client": ["packages/tls-codec", "packages/keytrans"],
  "packages/signers": ["packages/tls-codec"],
  "packages/service-runtime": [],
  "packages/mls-credentials": ["packages/tls-codec", "packages/mls-core", "packages/keytrans", "packages/kt-client"],
  "packages/kt-cli": [
    "packages/tls-codec",
    "packages/mls-core",
    "packages/keytrans",
    "packages/kt-client",
    "packages/signers",
    "packages/mls-credentials",
  ],
  "services/kt-log": [
    "packages/tls-codec",
    "packages/mls-core",
    "packages/keytrans",
    "packages/signers",
    "packages/service-runtime",
    "packages/mls-credentials",
  ],
  "services/as": [
    "packages/tls-codec",
    "packages/mls-core",
    "packages/keytrans",
    "packages/kt-client",
    "packages/signers",
    "packages/service-runtime",
    "packages/mls-credentials",
  ],
};
const owned = "^(packages|services)/";

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `${layer} imports leftwards only`,
      severity: "error",
      from: { path: `^${layer}/` },
      to: { path: owned, pathNot: [layer, ...allowed].map((path) => `^${path}/`) },
    })),
    {
      name: "keytrans-parties-stay-apart",
      comment: "structs → trees → algorithms → {prover, client, auditor}; those three never import each other.",
      severity: "error",
      from: { path: "^packages/keytrans/src/(prover|client|auditor)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^packages/keytrans/src/(prover|client|auditor)/", pathNot: "^packages/keytrans/src/$1/" },
    },
    {
      name: "verification-does-no-io",
      comment: "Packages a browser loads import nothing of node, except in the files that are a node subpath.",
      severity: "error",
      from: {
        path: "^packages/(tls-codec|mls-core|keytrans|kt-client|mls-credentials)/src/",
        pathNot: ["\\.test\\.ts$", "/node\\.ts$", "/node-provider\\.ts$", "/fixtures/"],
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-tests-import-services",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^services/" },
    },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/dist/"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
