export { meetsQuorum, parseTlogPolicy, type TlogPolicy } from "./tlog-policy.js";
export { inclusionRoot, verifyWitnessedHead, type WitnessProof } from "./witnessed-head.js";
