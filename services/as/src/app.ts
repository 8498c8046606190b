import { randomUUID } from "node:crypto";
import { OpenAPIHono } from "@hono/zod-openapi";
import { addressShare, bearerToken, isSecret, observeRequests, traceRequests } from "@mls-as/service-runtime";
import type { Context } from "hono";
import { cors } from "hono/cors";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import type { Config } from "./config.js";
import type { AppContext } from "./context.js";
import { Problem } from "./problem.js";
import { adminRoutes } from "./routes/admin.js";
import { approvalRoutes } from "./routes/approvals.js";
import { credentialRoutes } from "./routes/credentials.js";
import { deviceRoutes } from "./routes/devices.js";
import { directoryRoutes } from "./routes/directory.js";
import { keyCompromiseRoutes } from "./routes/key-compromises.js";
import { operationRoutes } from "./routes/operations.js";
import { operatorOrderRoutes } from "./routes/operator-orders.js";
import { revocationStatusRoutes } from "./routes/revocation-status.js";
import { policyRoutes } from "./routes/policy.js";
import { GUESSES } from "./routes/guesses.js";
import { errorHandler, refuse, validationHook } from "./routes/refusal.js";

/** The HTTP interface over a context. Test it with `app.request()`. */
export function createApp(context: AppContext): OpenAPIHono {
  const app = new OpenAPIHono({ defaultHook: validationHook, strict: true });
  // Of our own making: what a caller sends for one is not looked at.
  app.use(requestId({ headerName: "", generator: () => randomUUID() }));
  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    c.res.headers.set("x-request-id", c.get("requestId"));
    const { pathname: path } = new URL(c.req.url);
    const ms = Math.round(performance.now() - started);
    const { method } = c.req;
    context.logger.info({ requestId: c.get("requestId"), method, path, status: c.res.status, ms }, "request");
  });
  app.use(observeRequests(context.metrics.http, routeOf));
  app.use(traceRequests(routeOf));
  app.use(secureHeaders({ crossOriginResourcePolicy: "cross-origin" }));
  allowBrowsers(app, context);
  limitWork(app, context);
  limitCallers(app, context);
  directoryRoutes(app, context);
  credentialRoutes(app, context);
  deviceRoutes(app, context);
  revocationStatusRoutes(app, context);
  adminRoutes(app, context);
  approvalRoutes(app, context);
  keyCompromiseRoutes(app, context);
  operatorOrderRoutes(app, context);
  policyRoutes(app, context);
  operationRoutes(app, context);
  app.notFound((c) => {
    const known = app.routes.some(
      ({ path, method }) => method !== "ALL" && path === c.req.path && method !== c.req.method,
    );
    return refuse(
      c,
      known
        ? new Problem("method-not-allowed", `${c.req.method} is not allowed here.`)
        : new Problem("not-found", `There is nothing at ${c.req.path}.`),
    );
  });
  const handle = errorHandler((error, request, id) =>
    context.logger.error({ err: error, request, requestId: id }, "internal error"),
  );
  app.onError((error, c) => {
    if (error instanceof Problem) context.metrics.refusals.inc({ code: error.code });
    return handle(error, c);
  });
  return app;
}

/**
 * Apps in browsers come from origins of their own. Nothing here is authorised by a cookie, so any page may ask what any
 * program may; the operator's and the machines' doors stay shut to pages all the same.
 */
function allowBrowsers(app: OpenAPIHono, { config }: AppContext): void {
  const allow = cors({
    origin: config.corsOrigins.includes("*") ? "*" : [...config.corsOrigins],
    allowMethods: ["GET", "POST"],
    allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key"],
    exposeHeaders: ["Retry-After", "Replay-Nonce"],
    maxAge: 86_400,
  });
  app.use(async (c, next) =>
    c.req.path.startsWith("/v1/admin/") || c.req.path === "/metrics" ? await next() : await allow(c, next),
  );
}

/** The path of the route that answered, with names for its parameters; "other" where there is none. */
function routeOf(c: Context): string {
  return c.req.routePath === "/*" ? "other" : c.req.routePath;
}

/** What an operator or a load balancer asks is answered however busy the service is. */
const NEVER_LIMITED: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * Of the places for requests one address has half, however slowly it sends them; the operator's and the feed's have none
 * to wait for.
 */
function limitWork(app: OpenAPIHono, context: AppContext): void {
  const { config } = context;
  const share = Math.ceil(config.maxUnderWay / 2);
  const places = new Map<string, number>();
  let underWay = 0;
  app.use(async (c, next) => {
    if (NEVER_LIMITED.has(c.req.path)) return await next();
    const caller = addressShare(callerOf(c, config));
    const own = places.get(caller) ?? 0;
    if (!isTrusted(c, context)) {
      if (underWay >= config.maxUnderWay)
        throw new Problem("overloaded", `${underWay} requests are being answered.`, { retryAfter: 1 });
      if (own >= share)
        throw new Problem("rate-limited", `${own} requests of yours are being answered.`, { retryAfter: 1 });
    }
    places.set(caller, own + 1);
    underWay++;
    try {
      await next();
    } finally {
      underWay--;
      const left = (places.get(caller) ?? 1) - 1;
      if (left > 0) places.set(caller, left);
      else places.delete(caller);
    }
  });
}

interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

/** Where the connection comes from, or what the operator's proxy says of it. */
function callerOf(c: Context, { callerHeader }: Config): string {
  if (callerHeader !== undefined) return c.req.header(callerHeader) ?? "";
  const connection = c.env as NodeBindings | undefined;
  return connection?.incoming?.socket?.remoteAddress ?? "local";
}

/** Whether the operator asks, or who reads the feed. */
function isTrusted(c: Context, { adminTokenHash, feedTokenHash }: AppContext): boolean {
  const presented = bearerToken(c.req.header("authorization"));
  return isSecret(presented, adminTokenHash) || isSecret(presented, feedTokenHash);
}

/** What everybody may read, whoever guesses at secrets from the same address meanwhile. */
const WITHOUT_SECRETS: ReadonlySet<string> = new Set(["/v1/directory", "/v1/policy", "/v1/nonces"]);

/** Addresses that ask too much, or keep guessing at secrets, have to wait. Guessing is hopeless; the noise is what ends. */
function limitCallers(app: OpenAPIHono, context: AppContext): void {
  const { config, callers } = context;
  app.use(async (c, next) => {
    const { path } = c.req;
    // Nobody keeps the operator out by guessing from an address that is theirs too.
    if (NEVER_LIMITED.has(path) || isTrusted(c, context)) return await next();
    const address = callerOf(c, config);
    callers.admit(address);
    if (path.startsWith("/v1/") && !WITHOUT_SECRETS.has(path)) callers.mayGuess(address);
    await next();
    if (c.error instanceof Problem && GUESSES.has(c.error.code)) callers.failed(address);
  });
}
