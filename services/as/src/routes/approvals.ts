import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { bearerToken } from "@mls-as/service-runtime";
import { bodyLimit } from "hono/body-limit";
import { MAXIMUM_CREDENTIALS } from "../config.js";
import type { AppContext } from "../context.js";
import { spendNonce, verifyDeviceAuthorization, verifyDeviceRequest } from "../device/device-request.js";
import { decideByDevice, decideByOperator, ownRequest, requestApproval } from "../enrolment/approval-requests.js";
import type { ApprovalRequest } from "../storage/store.js";
import { bytesOf } from "./credentials.js";
import { joseBody, payloadOf } from "./device-signed.js";
import { requireMediaType, requireStrictJson } from "./refusal.js";
import { Bytes, ClientUri, Csrs, json, jsonBody, refusals, Seconds, UserUri } from "./schemas.js";

const RequestId = z.string().regex(/^[0-9a-f]{32}$/, "must be 32 lower-case hex digits");
const params = z.strictObject({ id: RequestId });

const Approval = z
  .strictObject({
    id: RequestId,
    user: UserUri,
    client: ClientUri,
    spkiHashes: z.array(z.string()).openapi({ description: "hex SHA-256 of each key that waits" }),
    createdAt: Seconds,
    expiresAt: Seconds,
    state: z.enum(["pending", "approved", "denied", "expired"]),
    decidedBy: z.string().nullable().openapi({ description: "client URI of a device, or `operator`" }),
  })
  .openapi("ApprovalRequest");

const ask = createRoute({
  method: "post",
  path: "/v1/approvals",
  summary: "Have a new device wait for the approval of another one, or of the operator",
  request: { body: jsonBody(z.strictObject({ csrs: Csrs })) },
  responses: {
    201: json(
      "The request; the secret is shown only here",
      Approval.extend({
        secret: z.string().openapi({
          description: "shows the waiting device what was decided; its enrolment token when the operator approved",
        }),
      }),
    ),
    ...refusals,
  },
});

const poll = createRoute({
  method: "get",
  path: "/v1/approvals/{id}",
  summary: "What was decided (Authorization: Bearer and the request's secret)",
  request: { params },
  responses: {
    200: json(
      "The request, with the approvals that go into the enrolment",
      Approval.extend({ approval: z.array(Bytes) }),
    ),
    ...refusals,
  },
});

const listOwn = createRoute({
  method: "get",
  path: "/v1/approvals",
  summary: "Who waits to become a device of the signing device's user",
  request: { headers: z.object({ authorization: z.string().optional() }) },
  responses: { 200: json("All that are kept", z.strictObject({ approvals: z.array(Approval) })), ...refusals },
});

const approve = createRoute({
  method: "post",
  path: "/v1/approvals/{id}/approval",
  summary: "Approve, with a DeviceApproval for each key (device-signed)",
  request: { params, body: joseBody },
  responses: { 200: json("Approved", Approval), ...refusals },
});

const deny = createRoute({
  method: "post",
  path: "/v1/approvals/{id}/denial",
  summary: "Deny (device-signed)",
  request: { params, body: joseBody },
  responses: { 200: json("Denied", Approval), ...refusals },
});

const security = [{ admin: [] }];
const listAll = createRoute({
  method: "get",
  path: "/v1/admin/approvals",
  summary: "Requests for approval",
  security,
  request: {
    query: z.strictObject({
      user: UserUri.optional(),
      after: RequestId.optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
  },
  responses: {
    200: json("A page, by id", z.strictObject({ approvals: z.array(Approval), next: RequestId.nullable() })),
    ...refusals,
  },
});
const decided = (verb: "approval" | "denial", summary: string) =>
  createRoute({
    method: "post",
    path: `/v1/admin/approvals/{id}/${verb}`,
    summary,
    security,
    request: { params, body: jsonBody(z.strictObject({})) },
    responses: { 200: json("Decided", Approval), ...refusals },
  });

const ApprovalPayload = z.strictObject({ approval: z.array(Bytes.max(8192)).min(1).max(MAXIMUM_CREDENTIALS) });
const MOST_SHOWN = 100;

function shown(request: ApprovalRequest, now: number): z.infer<typeof Approval> {
  const { id, user, client, spkiHashes, createdAt, expiresAt, decidedBy = null } = request;
  const state = request.state === "pending" && expiresAt <= now ? "expired" : request.state;
  return { id, user, client, spkiHashes: [...spkiHashes], createdAt, expiresAt, state, decidedBy };
}

/** Devices that wait for others of their user. */
export function approvalRoutes(app: OpenAPIHono, context: AppContext): void {
  const { now, store } = context;
  const privately = { "Cache-Control": "no-store" };
  app.use("/v1/approvals", bodyLimit({ maxSize: 1024 * 1024 }), async (c, next) =>
    c.req.method === "POST" ? await requireMediaType("application/json")(c, next) : await next(),
  );
  app.use("/v1/approvals", requireStrictJson);
  app.use("/v1/approvals/:id/*", bodyLimit({ maxSize: 2 * 1024 * 1024 }), async (c, next) =>
    c.req.method === "POST" ? await requireMediaType("application/jose+json")(c, next) : await next(),
  );
  app.use("/v1/approvals/:id/*", requireStrictJson);

  app.openapi(ask, async (c) => {
    const { request, secret } = await requestApproval(context, c.req.valid("json").csrs.map(bytesOf));
    return c.json({ ...shown(request, now()), secret }, 201, privately);
  });

  app.openapi(poll, async (c) => {
    const request = await ownRequest(context, c.req.valid("param").id, bearerToken(c.req.header("authorization")));
    return c.json({ ...shown(request, now()), approval: [...request.approvals] }, 200, privately);
  });

  app.openapi(listOwn, async (c) => {
    const device = await verifyDeviceAuthorization(context, c.req.header("authorization"), c.req.path);
    await spendNonce(context, device);
    const found = await store.approvalRequests({ user: device.signer.user, after: "", limit: MOST_SHOWN });
    return c.json({ approvals: found.map((one) => shown(one, now())) }, 200, privately);
  });

  app.openapi(approve, async (c) => {
    const device = await verifyDeviceRequest(context, c.req.valid("json"), c.req.path);
    const { approval } = payloadOf(ApprovalPayload, device.payload);
    await spendNonce(context, device);
    const request = await decideByDevice(context, c.req.valid("param").id, device, approval.map(bytesOf));
    return c.json(shown(request, now()), 200, privately);
  });

  app.openapi(deny, async (c) => {
    const device = await verifyDeviceRequest(context, c.req.valid("json"), c.req.path);
    payloadOf(z.strictObject({}), device.payload);
    await spendNonce(context, device);
    const request = await decideByDevice(context, c.req.valid("param").id, device, undefined);
    return c.json(shown(request, now()), 200, privately);
  });

  app.openapi(listAll, async (c) => {
    const { user, after = "", limit } = c.req.valid("query");
    const found = await store.approvalRequests({ user, after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
    return c.json({ approvals: page.map((one) => shown(one, now())), next }, 200, privately);
  });
  app.openapi(decided("approval", "Approve: the waiting device's secret becomes its enrolment token"), async (c) =>
    c.json(shown(await decideByOperator(context, c.req.valid("param").id, true), now()), 200, privately),
  );
  app.openapi(decided("denial", "Deny"), async (c) =>
    c.json(shown(await decideByOperator(context, c.req.valid("param").id, false), now()), 200, privately),
  );
}
