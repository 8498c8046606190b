export { addressShare } from "./address-share.js";
export { type BodyLimitOptions, limitBody } from "./body-limit.js";
export { type ReadConfiguration, readConfiguration, type ConfigurationSource } from "./configuration.js";
export { ConfigurationError, type ConfigurationFault } from "./configuration-error.js";
export {
  type ConfigurationOf,
  type ConfigurationSpec,
  describeConfiguration,
  type Setting,
  setting,
  type SettingDescription,
  type SettingOptions,
} from "./configuration-spec.js";
export { isDatabaseUnavailable } from "./database-failure.js";
export { writeDurably } from "./durable-file.js";
export { type HttpServer, listen, type ListenOptions } from "./http-server.js";
export { createLogger, LOG_LEVELS, type LogLevel } from "./logger.js";
export { type HttpMetrics, httpMetrics, observeRequests, processMetrics } from "./metrics.js";
export {
  type ProblemDetails,
  type ProblemKind,
  problemResponse,
  type ProblemResponseOptions,
  type ProblemRow,
  type ProblemTable,
  ServiceProblem,
} from "./problem.js";
export { RateLimit, type RateLimitSetting } from "./rate-limit.js";
export { bearerToken, hashSecret, isSecret } from "./secret.js";
export { readSecretFile } from "./secret-file.js";
export { stopOnSignals } from "./shutdown.js";
export {
  JsonError,
  type JsonErrorCode,
  parseStrictJson,
  strictJsonBody,
  type StrictJsonOptions,
} from "./strict-json.js";
export { startTracing, type Tracing, type TracingOptions, traceRequests, withSpan } from "./tracing.js";
