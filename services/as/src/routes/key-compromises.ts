import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { AppContext } from "../context.js";
import { reportKeyCompromise } from "../device/key-compromise.js";
import { revocationAnswer } from "./admin.js";
import { joseBody } from "./device-signed.js";
import { requireMediaType, requireStrictJson } from "./refusal.js";
import { json, refusals, Revocations } from "./schemas.js";

const PATH = "/v1/key-compromises";

const report = createRoute({
  method: "post",
  path: PATH,
  summary: "Report a key as compromised, signed with that key: all its credentials are revoked",
  request: { body: joseBody },
  responses: {
    200: json("Revoked, and the log holds it", Revocations),
    202: json("Revoked, the log follows", Revocations),
    ...refusals,
  },
});

/** Reports that need no credential, only the key they are about. */
export function keyCompromiseRoutes(app: OpenAPIHono, context: AppContext): void {
  app.use(PATH, bodyLimit({ maxSize: 16 * 1024 }), requireMediaType("application/jose+json"), requireStrictJson);
  app.openapi(report, async (c) => {
    const revoked = await reportKeyCompromise(context, c.req.valid("json"), c.req.path);
    const answer = await revocationAnswer(context, revoked);
    return c.json(answer.body, answer.status);
  });
}
