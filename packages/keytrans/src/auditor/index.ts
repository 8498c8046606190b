export { type AuditedEntry, type Auditor, type AuditorOptions, createAuditor } from "./auditor.js";
export { type AuditorState, decodeAuditorState, encodeAuditorState, INITIAL_AUDITOR_STATE } from "./state.js";
