import { limitBody } from "@mls-as/service-runtime";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { MAXIMUM_CREDENTIALS } from "../config.js";
import type { AppContext } from "../context.js";
import { spendNonce, verifyDeviceAuthorization, verifyDeviceRequest } from "../device/device-request.js";
import { renewalWindow, renewCredentials } from "../device/renewal.js";
import { Problem } from "../problem.js";
import { revokeCredentials } from "../revocation/revoke.js";
import { revocable, revocationAnswer, statusOf } from "./admin.js";
import { bytesOf, issuanceAnswer, requestHash } from "./credentials.js";
import { joseBody, payloadOf } from "./device-signed.js";
import { requireMediaType, requireStrictJson } from "./refusal.js";
import {
  Bytes,
  CredentialId,
  CredentialStatus,
  Csrs,
  Issuance,
  json,
  Reason,
  refusals,
  Revocations,
  Seconds,
} from "./schemas.js";

const RenewalPayload = z.strictObject({
  csrs: Csrs,
  continuity: z.array(Bytes.max(8192)).min(1).max(MAXIMUM_CREDENTIALS),
  token: z.string().min(1).max(256).optional(),
});
const RevocationPayload = z.strictObject({ reason: Reason });
const params = z.strictObject({ id: CredentialId });

const renew = createRoute({
  method: "post",
  path: "/v1/credentials/{id}/renewals",
  summary: "Renew a credential: the current key vouches for the next",
  request: { params, body: joseBody },
  responses: { 201: json("The new credentials", Issuance), ...refusals },
});

const revoke = createRoute({
  method: "post",
  path: "/v1/credentials/{id}/revocation",
  summary: "Revoke a credential of one's own, or of another device of the same user",
  request: { params, body: joseBody },
  responses: {
    200: json("Revoked, and the log holds it", Revocations),
    202: json("Revoked, the log follows", Revocations),
    ...refusals,
  },
});

const authorization = z.object({
  authorization: z.string().optional().openapi({ description: "MLS-JWS with a compact JWS over the empty payload" }),
});

const read = createRoute({
  method: "get",
  path: "/v1/credentials/{id}",
  summary: "The state of a credential, for devices of its user",
  request: { params, headers: authorization },
  responses: { 200: json("Its state", CredentialStatus), ...refusals },
});

const renewalInfo = createRoute({
  method: "get",
  path: "/v1/credentials/{id}/renewal-info",
  summary: "When to renew (RFC 9773)",
  request: { params, headers: authorization },
  responses: {
    200: json(
      "The suggested window",
      z.strictObject({ suggestedWindow: z.strictObject({ start: Seconds, end: Seconds }) }),
    ),
    ...refusals,
  },
});

/** Requests that a device signs with the key of a credential. */
export function deviceRoutes(app: OpenAPIHono, context: AppContext): void {
  app.use("/v1/credentials/:id/*", limitBody({ maxSize: 2 * 1024 * 1024 }), async (c, next) =>
    c.req.method === "POST" ? await requireMediaType("application/jose+json")(c, next) : await next(),
  );
  app.use("/v1/credentials/:id/*", requireStrictJson);

  app.openapi(renew, async (c) => {
    const { id } = c.req.valid("param");
    const jws = c.req.valid("json");
    // Read before the signature is verified: only to recognise a repetition, and to check what was signed afterwards.
    const payload = payloadOf(RenewalPayload, bytesOf(jws.payload));
    const intent = await renewCredentials(context, id, {
      csrs: payload.csrs.map(bytesOf),
      continuities: payload.continuity.map(bytesOf),
      token: payload.token,
      idempotencyKey: undefined,
      requestHash: requestHash("renewal", [id, jws.protected, jws.payload, jws.signature]),
      authenticate: () => verifyDeviceRequest(context, jws, c.req.path),
    });
    return c.json(await issuanceAnswer(context, intent), 201, { "Cache-Control": "no-store" });
  });

  app.openapi(revoke, async (c) => {
    const { id } = c.req.valid("param");
    const jws = c.req.valid("json");
    const request = await verifyDeviceRequest(context, jws, c.req.path);
    const { reason } = payloadOf(RevocationPayload, request.payload);
    const credential = await ownCredential(context, id, request.signer.user);
    await revocable(context, id);
    await spendNonce(context, request);
    const revoked = await revokeCredentials(context, {
      ids: [id],
      reason,
      origin: "ownerRevocation",
      actor: request.signer.client,
      subject: credential.user,
    });
    const answer = await revocationAnswer(context, revoked);
    return c.json(answer.body, answer.status);
  });

  app.openapi(read, async (c) => {
    const { id } = c.req.valid("param");
    const request = await verifyDeviceAuthorization(context, c.req.header("authorization"), c.req.path);
    const credential = await ownCredential(context, id, request.signer.user);
    await spendNonce(context, request);
    return c.json(statusOf(credential), 200, { "Cache-Control": "no-store" });
  });

  app.openapi(renewalInfo, async (c) => {
    const { id } = c.req.valid("param");
    const request = await verifyDeviceAuthorization(context, c.req.header("authorization"), c.req.path);
    const credential = await ownCredential(context, id, request.signer.user);
    await spendNonce(context, request);
    if (credential.state === "pending")
      throw new Problem("credential-pending", "The credential is not issued yet.", { path: "id", retryAfter: 2 });
    return c.json(
      { suggestedWindow: renewalWindow(credential, await context.store.renewalOrders(), context.config.backdate) },
      200,
      {
        "Cache-Control": "no-store",
        "Retry-After": "21600",
      },
    );
  });
}

/** What is someone else's does not exist, as far as a device can tell. */
async function ownCredential(context: AppContext, id: string, user: string) {
  const credential = await context.store.credential(id);
  if (credential === undefined || credential.user !== user)
    throw new Problem("credential-unknown", "There is no such credential of this user.", { path: "id" });
  return credential;
}
