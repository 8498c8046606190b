import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppContext } from "../context.js";
import { DOCS_PAGE, DOCS_PAGE_POLICY } from "./docs-page.js";

/** Liveness, readiness, metrics, and the description of the service. */
export function operationRoutes(app: OpenAPIHono, context: AppContext): void {
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const reasons: string[] = [];
    const open = await context.store.openIntents().catch(() => void reasons.push("database"));
    await context.askLog().catch(() => void reasons.push("log"));
    const rest = { reasons, openIntents: open?.length ?? null, log: context.log.url };
    c.header("Cache-Control", "no-store");
    return reasons.length === 0 ? c.json({ status: "ok", ...rest }) : c.json({ status: "unavailable", ...rest }, 503);
  });
  app.get("/metrics", async (c) =>
    c.body(await context.metrics.registry.metrics(), 200, { "Content-Type": context.metrics.registry.contentType }),
  );
  app.openAPIRegistry.registerComponent("securitySchemes", "admin", { type: "http", scheme: "bearer" });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "MLS Authentication Service",
      version: "1",
      description: "Issues x509 MLS credentials whose binding was logged before they were signed.",
    },
  });
  app.get("/docs", (c) => c.html(DOCS_PAGE, 200, { "Content-Security-Policy": DOCS_PAGE_POLICY }));
}
