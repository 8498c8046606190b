import { limitBody } from "@mls-as/service-runtime";
import { createHash, timingSafeEqual } from "node:crypto";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { parseClientUri, userOfClient } from "@mls-as/mls-credentials";
import type { AppContext } from "../context.js";
import { issueToken } from "../enrolment/tokens.js";
import { Problem } from "../problem.js";
import { reasonName, revokeCredentials } from "../revocation/revoke.js";
import type { StoredCredential } from "../storage/store.js";
import { requireMediaType, requireStrictJson } from "./refusal.js";
import {
  ClientUri,
  CredentialId,
  CredentialStatus,
  json,
  jsonBody,
  Reason,
  refusals,
  Revocations,
  Seconds,
  UserUri,
} from "./schemas.js";

const security = [{ admin: [] }];
const MAX_TOKEN_LIFETIME = 30 * 86_400;

const TokenRequest = z
  .strictObject({ user: UserUri, client: ClientUri, lifetime: z.int().min(1).max(MAX_TOKEN_LIFETIME).optional() })
  .openapi("TokenRequest");
const Token = z
  .strictObject({ token: z.string(), user: UserUri, client: ClientUri, expiresAt: Seconds })
  .openapi("Token");

const createToken = createRoute({
  method: "post",
  path: "/v1/admin/tokens",
  summary: "Make a one-time enrolment token",
  security,
  request: { body: jsonBody(TokenRequest) },
  responses: { 201: json("The token; it is shown only here", Token), ...refusals },
});

const listCredentials = createRoute({
  method: "get",
  path: "/v1/admin/credentials",
  summary: "Search credentials",
  security,
  request: {
    query: z.strictObject({
      user: UserUri.optional(),
      client: ClientUri.optional(),
      serial: z
        .string()
        .regex(/^[0-9a-f]{32}$/, "must be 32 lower-case hex digits")
        .optional(),
      status: z.enum(["pending", "active", "revoked"]).optional(),
      after: CredentialId.optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
  },
  responses: {
    200: json(
      "A page, by id",
      z.strictObject({ credentials: z.array(CredentialStatus), next: CredentialId.nullable() }),
    ),
    ...refusals,
  },
});

const revokeOne = createRoute({
  method: "post",
  path: "/v1/admin/credentials/{id}/revocation",
  summary: "Revoke a credential",
  security,
  request: { params: z.strictObject({ id: CredentialId }), body: jsonBody(z.strictObject({ reason: Reason })) },
  responses: {
    200: json("Revoked, and the log holds it", Revocations),
    202: json("Revoked, the log follows", Revocations),
    ...refusals,
  },
});

const revokeDevice = createRoute({
  method: "post",
  path: "/v1/admin/devices/revocation",
  summary: "Revoke every unexpired credential of a device",
  security,
  request: { body: jsonBody(z.strictObject({ client: ClientUri, reason: Reason })) },
  responses: {
    200: json("Revoked, and the log holds it", Revocations),
    202: json("Revoked, the log follows", Revocations),
    ...refusals,
  },
});

const AuditEntry = z
  .strictObject({
    sequence: z.int(),
    time: Seconds,
    actor: z.string(),
    action: z.string(),
    subject: z.string().nullable(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
    previousHash: z.string(),
    hash: z.string(),
  })
  .openapi("AuditEntry");

const readAudit = createRoute({
  method: "get",
  path: "/v1/admin/audit",
  summary: "Read the audit log",
  security,
  request: {
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      identity: UserUri.optional(),
    }),
  },
  responses: {
    200: json("A page, in order", z.strictObject({ entries: z.array(AuditEntry), next: z.int().nullable() })),
    ...refusals,
  },
});

/** The public state of a credential. */
export function statusOf(credential: StoredCredential): z.infer<typeof CredentialStatus> {
  const { id, user, client, serial, issuer, notBefore, notAfter, state, revocation } = credential;
  const revoked =
    revocation === undefined
      ? {}
      : { revokedAt: revocation.revokedAt, reason: reasonName(revocation.reason), logged: revocation.logged };
  return { id, user, client, serial, issuer, notBefore, notAfter, status: state, ...revoked };
}

/** The answer to a revocation: 200 once the log holds all of it, 202 before. */
export async function revocationAnswer(
  context: AppContext,
  credentials: readonly StoredCredential[],
): Promise<{ body: z.infer<typeof Revocations>; status: 200 | 202 }> {
  const revoked = credentials.flatMap(({ id, serial, client, revocation }) =>
    revocation === undefined
      ? []
      : [
          {
            id,
            serial,
            client,
            revokedAt: revocation.revokedAt,
            reason: reasonName(revocation.reason),
            logged: revocation.logged,
          },
        ],
  );
  const logged = revoked.every((one) => one.logged);
  const [first] = credentials;
  const view = first === undefined ? undefined : await context.store.label(first.user);
  return { body: { revoked, version: logged ? (view?.latest?.version ?? null) : null }, status: logged ? 200 : 202 };
}

/** Looks up what is to be revoked. @throws Problem */
export async function revocable(context: AppContext, id: string): Promise<StoredCredential> {
  const credential = await context.store.credential(id);
  if (credential === undefined) throw new Problem("credential-unknown", "There is no such credential.", { path: "id" });
  if (credential.state !== "revoked" && credential.notAfter <= context.now())
    throw new Problem("credential-expired", "The credential has expired.", { path: "id" });
  return credential;
}

/** Compares a bearer token with the hash of the right one, in constant time. @throws Problem `unauthorized` */
export function requireBearer(header: string | undefined, hash: Uint8Array): void {
  const given = /^Bearer ([A-Za-z0-9_-]{1,256})$/.exec(header ?? "")?.[1] ?? "";
  if (!timingSafeEqual(createHash("sha256").update(given).digest(), hash))
    throw new Problem("unauthorized", "The token is missing or wrong.", { path: "Authorization", section: "HTTP" });
}

export function adminRoutes(app: OpenAPIHono, context: AppContext): void {
  app.use("/v1/admin/*", limitBody({ maxSize: 64 * 1024 }), async (c, next) => {
    requireBearer(c.req.header("authorization"), context.adminTokenHash);
    if (c.req.method === "POST") await requireMediaType("application/json")(c, next);
    else await next();
  });
  app.use("/v1/admin/*", requireStrictJson);

  app.openapi(createToken, async (c) => {
    const { user, client, lifetime } = c.req.valid("json");
    const { domain } = parseClientUri(client);
    if (userOfClient(client) !== user)
      throw new Problem("identity-mismatch", "The client is not a device of the user.", {
        path: "client",
        section: "Identities",
      });
    if (domain !== context.config.domain)
      throw new Problem("identity-domain", `This service is for ${context.config.domain}.`, {
        path: "client",
        section: "Identities",
      });
    const request = { user, client, lifetime: lifetime ?? context.config.tokenLifetime, actor: "operator" };
    return c.json(await issueToken(context.store, request, context.now()), 201, { "Cache-Control": "no-store" });
  });

  app.openapi(listCredentials, async (c) => {
    const { status, limit, ...query } = c.req.valid("query");
    const found = await context.store.credentials({ ...query, state: status, limit: limit + 1 });
    const page = found.slice(0, limit);
    const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
    return c.json({ credentials: page.map(statusOf), next }, 200);
  });

  app.openapi(revokeOne, async (c) => {
    const credential = await revocable(context, c.req.valid("param").id);
    const { reason } = c.req.valid("json");
    const request = {
      ids: [credential.id],
      reason,
      origin: "operatorRevocation",
      actor: "operator",
      subject: credential.user,
    } as const;
    const answer = await revocationAnswer(context, await revokeCredentials(context, request));
    return c.json(answer.body, answer.status);
  });

  app.openapi(revokeDevice, async (c) => {
    const { client, reason } = c.req.valid("json");
    const all = await context.store.credentials({ client, limit: context.config.maximumUnexpired + 1000 });
    const ids = all.filter(({ notAfter }) => notAfter > context.now()).map(({ id }) => id);
    if (ids.length === 0)
      throw new Problem("client-unknown", "The client has no unexpired credential.", { path: "client" });
    const request = {
      ids,
      reason,
      origin: "operatorRevocation",
      actor: "operator",
      subject: userOfClient(client),
    } as const;
    const answer = await revocationAnswer(context, await revokeCredentials(context, request));
    return c.json(answer.body, answer.status);
  });

  app.openapi(readAudit, async (c) => {
    const { after, limit, identity } = c.req.valid("query");
    const entries = await context.store.auditEntries({ after, limit, subject: identity });
    const next = entries.length === limit ? (entries.at(-1)?.sequence ?? null) : null;
    const shown = entries.map(({ subject = null, detail = {}, ...entry }) => ({
      ...entry,
      subject,
      detail: Object.fromEntries(
        Object.entries(detail).map(([name, value]) => [
          name,
          typeof value === "object" && value !== null ? [...value] : value,
        ]),
      ),
    }));
    return c.json({ entries: shown, next }, 200);
  });
}
