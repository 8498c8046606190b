export type { Context, Output } from "./context.js";
export { EXIT, type ExitCode } from "./exit-code.js";
export { kt } from "./run.js";
