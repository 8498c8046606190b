// Mutation testing of packages/keytrans: node scripts/mutation-keytrans.mjs [--every N] [PATH...]; see scripts/mutation.mjs.
process.argv.splice(2, 0, "keytrans");
await import("./mutation.mjs");
