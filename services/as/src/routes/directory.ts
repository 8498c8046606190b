import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { toBase64Url } from "../binary-text.js";
import { MAXIMUM_CREDENTIALS } from "../config.js";
import type { AppContext } from "../context.js";
import { Problem } from "../problem.js";
import { Bytes, json, Nonce, refusals } from "./schemas.js";

const Authority = z.strictObject({ id: z.string(), algorithm: z.enum(["Ed25519", "P-256"]), certificate: Bytes });
const Proofs = z.array(z.array(z.enum(["token", "approval", "oidc"])));

const Directory = z
  .strictObject({
    domain: z.string(),
    endpoints: z.record(z.string(), z.string()),
    roots: z.array(Authority),
    issuers: z.array(Authority.extend({ root: z.string(), status: z.enum(["active", "retiring"]) })),
    log: z.strictObject({ url: z.string(), logId: Bytes }),
    policyKey: Bytes.openapi({ description: "DER SubjectPublicKeyInfo of the key that signs the policy" }),
    logIdExtension: z.string(),
    enrolment: z.strictObject({ first: Proofs, further: Proofs }),
    nonceLifetime: z.int(),
    certificateLifetime: z.int(),
    maximumCredentials: z.int(),
  })
  .openapi("Directory");

const readDirectory = createRoute({
  method: "get",
  path: "/v1/directory",
  summary: "Where everything is, and what is trusted here",
  responses: { 200: json("The directory", Directory), ...refusals },
});

const makeNonce = createRoute({
  method: "post",
  path: "/v1/nonces",
  summary: "Get a nonce for a CSR or a signed request",
  responses: { 201: json("A nonce, good for one use", Nonce), ...refusals },
});

const readAuthority = createRoute({
  method: "get",
  path: "/ca/{file}",
  summary: "The certificate of an authority, DER",
  request: { params: z.object({ file: z.string().regex(/^[0-9a-f]{32}\.cer$/, "must be {id}.cer") }) },
  responses: {
    200: {
      description: "DER",
      content: { "application/pkix-cert": { schema: z.string().openapi({ format: "binary" }) } },
    },
    ...refusals,
  },
});

export function directoryRoutes(app: OpenAPIHono, context: AppContext): void {
  app.openapi(readDirectory, (c) => {
    const base = context.publicUrl();
    const { config, authorities } = context;
    const authority = ({ id, algorithm, certificate }: (typeof authorities.roots)[number]) => ({
      id,
      algorithm,
      certificate: toBase64Url(certificate),
    });
    return c.json(
      {
        domain: config.domain,
        endpoints: {
          directory: `${base}/v1/directory`,
          nonces: `${base}/v1/nonces`,
          credentials: `${base}/v1/credentials`,
          approvals: `${base}/v1/approvals`,
          keyCompromises: `${base}/v1/key-compromises`,
          ocsp: `${base}/ocsp`,
          crl: `${base}/crl/{issuer}-{shard}.crl`,
          policy: `${base}/v1/policy`,
          openapi: `${base}/openapi.json`,
        },
        roots: authorities.roots.map(authority),
        issuers: context
          .issuers()
          .map((issuer) => ({ ...authority(issuer), root: issuer.root, status: issuer.status })),
        log: { url: context.log.url, logId: toBase64Url(context.logId) },
        policyKey: toBase64Url(context.policyKey.publicKey),
        logIdExtension: config.logIdExtension,
        enrolment: {
          first: config.enrolment.first.map((proofs) => [...proofs]),
          further: config.enrolment.further.map((proofs) => [...proofs]),
        },
        nonceLifetime: config.nonceLifetime,
        certificateLifetime: config.certificateLifetime,
        maximumCredentials: MAXIMUM_CREDENTIALS,
      },
      200,
      { "Cache-Control": "max-age=60" },
    );
  });

  app.openapi(makeNonce, (c) => {
    const made = context.nonces.issue(context.now());
    return c.json(made, 201, { "Cache-Control": "no-store", "Replay-Nonce": made.nonce });
  });

  app.openapi(readAuthority, (c) => {
    const id = c.req.valid("param").file.slice(0, 32);
    const found = [...context.authorities.roots, ...context.issuers()].find((one) => one.id === id);
    if (found === undefined) throw new Problem("not-found", "There is no such authority.", { path: "file" });
    return c.body(new Uint8Array(found.certificate), 200, { "Content-Type": "application/pkix-cert" });
  });
}
