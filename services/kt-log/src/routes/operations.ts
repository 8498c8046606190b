import type { LogApp } from "./log-app.js";
import { assertAudited } from "../auditor-tree-head.js";
import type { Context } from "../context.js";
import { Problem } from "../problem.js";
import { assertWitnessed } from "../witnessing/witness-lag.js";
import { docsPage, openApiDocument } from "./openapi.js";

interface Readiness {
  /** Why readers get no answer that they would accept; empty when they do. */
  readonly reasons: readonly string[];
  readonly treeSize: number;
  readonly headAgeMilliseconds: number | null;
}

async function readiness(context: Context): Promise<Readiness> {
  const { store, clock, configuration, headMemory } = context;
  const reasons: string[] = headMemory.whole ? [] : ["rolled-back"];
  let treeSize = 0;
  let age: number | null = null;
  try {
    const head = await store.head();
    treeSize = head?.treeSize ?? 0;
    age = head === undefined ? null : clock() - head.timestamp;
    if (age === null) reasons.push("empty-log");
    else if (age > Number(configuration.maxBehind)) reasons.push("head-too-old");
    for (const check of [assertAudited, assertWitnessed])
      await check(context).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        reasons.push(error.code);
      });
  } catch {
    reasons.push("storage-unavailable");
  }
  return { reasons, treeSize, headAgeMilliseconds: age };
}

/** For operators and their machines. */
export function operationRoutes(app: LogApp, context: Context): void {
  const document = JSON.stringify(openApiDocument());
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    const { reasons, ...rest } = await readiness(context);
    const ready = reasons.length === 0;
    const { leading } = context.leadership;
    const rolledBack = !context.headMemory.whole;
    c.header("cache-control", "no-store");
    return c.json({ ready, reasons, rolledBack, leading, ...rest }, ready ? 200 : 503);
  });
  app.get("/metrics", async (c) =>
    c.body(await context.metrics.render(), 200, { "content-type": context.metrics.registry.contentType }),
  );
  app.get("/openapi.json", (c) => c.body(document, 200, { "content-type": "application/json" }));
  app.get("/docs", (c) => {
    c.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    return c.html(docsPage());
  });
}
