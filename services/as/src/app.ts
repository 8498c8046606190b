import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { AttemptLimiter } from "./attempt-limiter.js";
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
  app.use(secureHeaders({ crossOriginResourcePolicy: "cross-origin" }));
  allowBrowsers(app, context);
  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    const { pathname } = new URL(c.req.url);
    const route = c.req.routePath === "/*" ? "other" : c.req.routePath;
    context.metrics.requests.observe(
      { route, method: c.req.method, status: c.res.status },
      (performance.now() - started) / 1000,
    );
    context.logger.info(
      { method: c.req.method, path: pathname, status: c.res.status, ms: Math.round(performance.now() - started) },
      "request",
    );
  });
  limitGuesses(app, context);
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
  const handle = errorHandler((error, request) => context.logger.error({ err: error, request }, "internal error"));
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

interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

/** Addresses that keep guessing at secrets have to wait; the secrets are too long to guess, the noise is what ends. */
function limitGuesses(app: OpenAPIHono, { config, now }: AppContext): void {
  const limiter = new AttemptLimiter(config.failuresPerMinute, now);
  app.use("/v1/*", async (c, next) => {
    const address = (c.env as NodeBindings | undefined)?.incoming?.socket?.remoteAddress ?? "local";
    const retryAfter = limiter.wait(address);
    if (retryAfter > 0)
      throw new Problem("rate-limited", "Too many failed attempts from this address.", { retryAfter });
    await next();
    if (c.error instanceof Problem && GUESSES.has(c.error.code)) limiter.failed(address);
  });
}
