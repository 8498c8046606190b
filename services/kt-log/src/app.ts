import { randomUUID } from "node:crypto";
import { KeytransError } from "@mls-as/keytrans";
import { ProverError } from "@mls-as/keytrans/prover";
import { observeRequests, problemResponse, traceRequests } from "@mls-as/service-runtime";
import { CodecError } from "@mls-as/tls-codec";
import { type Context as HonoContext, Hono } from "hono";
import { cors } from "hono/cors";
import type { Context } from "./context.js";
import { Problem, PROBLEMS, type ProblemCode } from "./problem.js";
import { Admission } from "./routes/admission.js";
import { limitWork } from "./routes/work-limits.js";
import { auditingRoutes } from "./routes/auditing.js";
import type { Environment, LogApp } from "./routes/log-app.js";
import { operationRoutes } from "./routes/operations.js";
import { readingRoutes } from "./routes/reading.js";
import { routeName, routeOf } from "./routes/route-table.js";
import { updateRoutes } from "./routes/updates.js";
import { witnessedRoutes } from "./routes/witnessed.js";

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CodecError) return new Problem("malformed", error.message, { path: error.path });
  if ((error instanceof ProverError || error instanceof KeytransError) && Object.hasOwn(PROBLEMS, error.code)) {
    const { code, message, path, section } = error;
    return new Problem(code as ProblemCode, message, { path, section });
  }
  return new Problem("internal");
}

/**
 * The log's HTTP interface: the draft's TLS structures in and out. Reads nothing but the context.
 * @param listening where it listens, which stands in for a public URL that is not configured
 */
export function createApp(context: Context, listening: () => string | undefined = () => undefined): LogApp {
  const { config, metrics, logger } = context;
  const app: LogApp = new Hono();
  const route = (c: HonoContext): string => routeName(c.req.path);
  const refuse = (problem: Problem, c: HonoContext<Environment>): Response => {
    metrics.refusals.inc({ code: problem.code });
    const response = problemResponse(problem, { requestId: c.get("requestId"), realm: "kt-log" });
    if (problem.code === "unauthorized") response.headers.set("replay-nonce", context.nonces.issue().nonce);
    return response;
  };

  app.use(async (c, next) => {
    const requestId = randomUUID();
    c.set("requestId", requestId);
    const started = performance.now();
    await next();
    c.res.headers.set("x-request-id", requestId);
    const milliseconds = Math.round(performance.now() - started);
    logger.debug({ requestId, route: route(c), status: c.res.status, milliseconds }, "answered");
  });
  app.use(observeRequests(metrics.http, route));
  app.use(traceRequests(route));
  const share = cors({
    origin: config.corsOrigins.includes("*") ? "*" : [...config.corsOrigins],
    allowMethods: ["GET", "POST"],
    allowHeaders: ["authorization", "content-type", "kt-openings", "prefer", "traceparent"],
    exposeHeaders: ["retry-after", "x-request-id", "replay-nonce", "preference-applied"],
    maxAge: 86_400,
  });
  // Headers are added to the answer that there is: set before it, they would make it a new one, which costs a tenth of a search.
  app.use(async (c, next) => {
    if (c.req.path === "/metrics") return next();
    if (c.req.method === "OPTIONS") return share(c, next);
    await next();
    return share(c, () => Promise.resolve());
  });
  limitWork(app, context);
  app.onError((error, c) => {
    const problem = toProblem(error);
    if (problem.code === "internal") logger.error({ err: error, requestId: c.get("requestId") }, "unexpected error");
    return refuse(problem, c);
  });
  app.notFound((c) => {
    const known = routeOf(c.req.path);
    if (known === undefined || known.method === c.req.method) return refuse(new Problem("not-found"), c);
    const response = refuse(new Problem("method-not-allowed"), c);
    response.headers.set("allow", known.method === "GET" ? "GET, HEAD" : known.method);
    return response;
  });

  const admission = new Admission(context, () => config.publicUrl ?? listening());
  readingRoutes(app, context, admission);
  updateRoutes(app, context, admission);
  auditingRoutes(app, context, admission);
  witnessedRoutes(app, context, admission);
  operationRoutes(app, context);
  return app;
}
