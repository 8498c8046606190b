export { inclusionRoot } from "../../witness/rfc6962-tree.js";
export { meetsQuorum, parseTlogPolicy, type TlogPolicy } from "../../witness/tlog-policy.js";
export { verifyWitnessedHead, type WitnessProof } from "./witnessed-head.js";
