import { encode, opaque, vector } from "@mls-as/tls-codec";
import type { LogApp } from "./log-app.js";
import { auditorCheckpoint } from "../auditor-checkpoint.js";
import { acceptAuditorTreeHead } from "../auditor-tree-head.js";
import type { Context } from "../context.js";
import type { Admission } from "./admission.js";
import { binary, binaryBody, queryNumber } from "./binary.js";

/** `opaque updates<0..2^16-1>`, each an encoded `AuditorUpdate` with a 32-bit length. */
const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

/** What a third-party auditor fetches and hands in. */
export function auditingRoutes(app: LogApp, context: Context, admission: Admission): void {
  app.get("/v1/auditor/updates", async (c) => {
    admission.count(c);
    const start = queryNumber(c.req.query("start"), "start", { low: 0, high: Number.MAX_SAFE_INTEGER, fallback: 0 });
    const limit = queryNumber(c.req.query("limit"), "limit", { low: 1, high: 1000, fallback: 100 });
    return binary(encode(AuditorUpdates, await context.store.auditorUpdates(start, limit)));
  });
  app.get("/v1/auditor/checkpoint", async (c) => {
    admission.count(c);
    return binary(await auditorCheckpoint(context));
  });
  app.post("/v1/auditor/tree-head", async (c) => {
    admission.count(c);
    await acceptAuditorTreeHead(context, await binaryBody(c));
    return c.body(null, 204);
  });
}
