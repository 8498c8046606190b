export * from "./configuration.js";
export * from "./credential-requests.js";
export * from "./hash-value.js";
export * from "./proofs.js";
export * from "./requests.js";
export * from "./third-party.js";
export * from "./tree-head.js";
export * from "./wire-format.js";
