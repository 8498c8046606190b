import { limitBody } from "@mls-as/service-runtime";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AppContext } from "../context.js";
import { Problem } from "../problem.js";
import { RevocationLists } from "../revocation/revocation-lists.js";
import { reasonName } from "../revocation/revoke.js";
import { requireBearer } from "./admin.js";
import { requireMediaType } from "./refusal.js";
import { ClientUri, CredentialId, json, Reason, refusals, Seconds, UserUri } from "./schemas.js";

const MAX_REQUEST = 8192;
const binary = z.string().openapi({ format: "binary" });

const readList = createRoute({
  method: "get",
  path: "/crl/{file}",
  summary: "A certificate revocation list, DER",
  request: {
    params: z.object({ file: z.string().regex(/^[0-9a-f]{32}-\d{1,6}\.crl$/, "must be {issuer}-{shard}.crl") }),
  },
  responses: {
    200: { description: "DER CertificateList", content: { "application/pkix-crl": { schema: binary } } },
    ...refusals,
  },
});
const ocspAnswer = {
  200: { description: "DER OCSPResponse", content: { "application/ocsp-response": { schema: binary } } },
  ...refusals,
};

const readFeed = createRoute({
  method: "get",
  path: "/v1/revocations",
  summary: "Which clients to remove, in the order in which it became known (feed token)",
  security: [{ admin: [] }],
  request: {
    query: z.strictObject({
      since: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
  },
  responses: {
    200: json(
      "A page; ask again with `since` set to `next`",
      z.strictObject({
        revocations: z.array(
          z.strictObject({
            sequence: z.int(),
            id: CredentialId,
            user: UserUri,
            client: ClientUri,
            serial: z.string(),
            revokedAt: Seconds,
            reason: Reason,
          }),
        ),
        next: z.int(),
      }),
    ),
    ...refusals,
  },
});

/** CRL and OCSP: serial numbers and times, never names. */
export function revocationStatusRoutes(app: OpenAPIHono, context: AppContext): void {
  const lists = new RevocationLists(context);

  app.openapi(readFeed, async (c) => {
    requireBearer(c.req.header("authorization"), context.feedTokenHash);
    const { since, limit } = c.req.valid("query");
    const page = await context.store.revocationFeed(since, limit);
    const revocations = page.flatMap(({ sequence, credential: { id, user, client, serial, revocation } }) =>
      revocation === undefined
        ? []
        : [
            {
              sequence,
              id,
              user,
              client,
              serial,
              revokedAt: revocation.revokedAt,
              reason: reasonName(revocation.reason),
            },
          ],
    );
    return c.json({ revocations, next: page.at(-1)?.sequence ?? since }, 200, { "Cache-Control": "no-store" });
  });

  app.openapi(readList, async (c) => {
    const [, issuer = "", shard = ""] = /^([0-9a-f]{32})-(\d+)\.crl$/.exec(c.req.valid("param").file) ?? [];
    const found = await lists.list(issuer, Number(shard));
    if (found === undefined) throw new Problem("not-found", "There is no such list.", { path: "file" });
    const headers = { "Content-Type": "application/pkix-crl", "Cache-Control": "max-age=60" };
    return c.body(new Uint8Array(found.der), 200, headers);
  });

  const respond = async (c: Context, request: Uint8Array): Promise<Response> => {
    const { der, shared } = await context.ocsp.answer(request);
    return c.body(new Uint8Array(der), 200, {
      "Content-Type": "application/ocsp-response",
      "Cache-Control": shared ? "max-age=60" : "no-store",
    });
  };

  app.use("/ocsp", limitBody({ maxSize: MAX_REQUEST }), async (c, next) =>
    c.req.method === "POST" ? await requireMediaType("application/ocsp-request")(c, next) : await next(),
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/ocsp",
      summary: "Ask for the status of certificates (RFC 6960)",
      responses: ocspAnswer,
    }),
    async (c) => await respond(c, new Uint8Array(await c.req.arrayBuffer())),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/ocsp/{request}",
      summary: "The same, with the request in base64",
      request: { params: z.object({ request: z.string().max(MAX_REQUEST) }) },
      responses: ocspAnswer,
    }),
    async (c) => await respond(c, Buffer.from(c.req.valid("param").request, "base64")),
  );
}
