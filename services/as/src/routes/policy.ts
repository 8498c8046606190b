import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AppContext } from "../context.js";
import { currentPolicy, replacePolicy } from "../policy/validation-policy.js";
import { Problem } from "../problem.js";
import { json, jsonBody, refusals } from "./schemas.js";

const read = createRoute({
  method: "get",
  path: "/v1/policy",
  summary: "The signed validation policy, as the log holds it",
  responses: {
    200: {
      description: "Compact JWS; ETag is the digest of its payload",
      content: { "application/jose": { schema: z.string() } },
    },
    ...refusals,
  },
});

const Change = z
  .strictObject({
    changes: z.record(z.string().max(64), z.unknown()),
    accept: z.array(z.string().max(64)).max(16).default([]),
  })
  .openapi("PolicyChange");

const replace = createRoute({
  method: "post",
  path: "/v1/admin/policy",
  summary: "Change the validation policy; weakening must be accepted by name",
  security: [{ admin: [] }],
  request: { body: jsonBody(Change) },
  responses: {
    200: json("Logged and served", z.strictObject({ sequence: z.int(), digest: z.string(), version: z.int() })),
    ...refusals,
  },
});

export function policyRoutes(app: OpenAPIHono, context: AppContext): void {
  app.openapi(read, async (c) => {
    const current = await currentPolicy(context);
    if (current === undefined)
      throw new Problem("policy-pending", "The first policy is not logged yet.", { retryAfter: 5 });
    return c.body(current.jws, 200, {
      "Content-Type": "application/jose",
      ETag: `"${current.digest}"`,
      "Cache-Control": "max-age=60",
    });
  });
  app.openapi(replace, async (c) => {
    const { changes, accept } = c.req.valid("json");
    const { policy, digest, version } = await replacePolicy(context, changes, accept);
    return c.json({ sequence: policy.sequence, digest, version }, 200);
  });
}
