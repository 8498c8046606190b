import { randomBytes } from "node:crypto";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import { Problem } from "../problem.js";
import { json, jsonBody, refusals, Seconds, UserUri } from "./schemas.js";

const security = [{ admin: [] }];

const RenewalOrder = z.strictObject({
  id: z.string(),
  issuer: z.string().nullable(),
  issuedBefore: Seconds,
  start: Seconds,
  end: Seconds,
});

const order = createRoute({
  method: "post",
  path: "/v1/admin/renewal-orders",
  summary: "Ask credentials issued before a time to renew within a window (mass re-issue)",
  security,
  request: {
    body: jsonBody(
      z.strictObject({
        issuer: z
          .string()
          .regex(/^[0-9a-f]{32}$/, "must be 32 lower-case hex digits")
          .optional(),
        issuedBefore: Seconds,
        start: Seconds,
        end: Seconds,
      }),
    ),
  },
  responses: { 201: json("Shown in renewal-info from now on", RenewalOrder), ...refusals },
});

const listOrders = createRoute({
  method: "get",
  path: "/v1/admin/renewal-orders",
  summary: "Orders to renew",
  security,
  responses: { 200: json("By their start", z.strictObject({ orders: z.array(RenewalOrder) })), ...refusals },
});

const erase = createRoute({
  method: "post",
  path: "/v1/admin/users/erasure",
  summary: "Erase everything that names a user who has no credential left",
  security,
  request: { body: jsonBody(z.strictObject({ user: UserUri })) },
  responses: {
    200: json(
      "Erased here; `version` is that of the user's list in the log, whose stored values are the log's to erase",
      z.strictObject({ erased: z.literal(true), version: z.int().nullable() }),
    ),
    ...refusals,
  },
});

/** Seconds that a window may have begun before the order, and that an operator's clock may be ahead. */
const LATEST_START = 86_400;
const CLOCKS_DIFFER = 300;

/** What operators order beside single decisions. */
export function operatorOrderRoutes(app: OpenAPIHono, context: AppContext): void {
  app.openapi(order, async (c) => {
    const { issuer, start, end, ...given } = c.req.valid("json");
    const now = context.now();
    if (end <= start) throw new Problem("invalid-field", "The window must end after it starts.", { path: "end" });
    if (end <= now) throw new Problem("invalid-field", "The window is over already.", { path: "end" });
    if (end - start > context.config.certificateLifetime)
      throw new Problem("invalid-field", "The window is longer than a certificate lives.", { path: "end" });
    if (start < now - LATEST_START || start > now + context.config.certificateLifetime)
      throw new Problem("invalid-field", "The window is not now; times are in seconds.", { path: "start" });
    if (given.issuedBefore > now + CLOCKS_DIFFER)
      throw new Problem("invalid-field", "It must not lie in the future; times are in seconds.", {
        path: "issuedBefore",
      });
    // What is issued from now on, and so by this order, is never asked to renew by it.
    const issuedBefore = Math.min(given.issuedBefore, now);
    const made = { id: toHex(randomBytes(16)), issuer, issuedBefore, start, end };
    await context.store.addRenewalOrder(made, context.now(), {
      actor: "operator",
      action: "renewal-ordered",
      detail: { order: made.id, issuer: issuer ?? null, issuedBefore, start, end },
    });
    return c.json({ ...made, issuer: issuer ?? null }, 201);
  });
  app.openapi(listOrders, async (c) => {
    const orders = await context.store.renewalOrders();
    return c.json({ orders: orders.map((one) => ({ ...one, issuer: one.issuer ?? null })) }, 200);
  });
  app.openapi(erase, async (c) => {
    const { user } = c.req.valid("json");
    const { store, queue, now } = context;
    const version = await queue.run(user, async () => {
      const label = await store.label(user);
      if (await store.erase(user, now(), { actor: "operator", action: "user-erased" }))
        return label?.latest?.version ?? null;
      throw new Problem("user-active", "The user has an unexpired credential, or a change under way.", {
        path: "user",
      });
    });
    return c.json({ erased: true as const, version }, 200);
  });
}
