import { createHash } from "node:crypto";
import type { Context } from "hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppContext } from "../context.js";
import { findSigner } from "../device/device-request.js";
import { decideRenewal } from "../device/renewal.js";
import { issueCredentials, oncePerRequest, readRequests } from "../issuance/issue.js";
import { Problem } from "../problem.js";
import { GUESSES } from "../routes/guesses.js";
import { errorHandler, refuse, requireMediaType } from "../routes/refusal.js";
import type { Intent } from "../storage/store.js";
import type { EstConnection } from "./connection.js";
import { presentedProofs } from "./credentials.js";
import { csrAttributes } from "./csr-attributes.js";
import { certsOnly } from "./pkcs7.js";

const BASE = "/.well-known/est";
const SECTION = "Enrollment over Secure Transport";
const LARGEST_BODY = 32 * 1024;

/** What the routes are told beside the request. */
export interface EstBindings {
  readonly connection: EstConnection;
}

/**
 * Enrolment over Secure Transport (RFC 7030) as a front door of the same issuance: what is enrolled here goes into the
 * log first as well. Re-enrolment carries no continuity statement, which contacts are shown as a changed identity.
 */
export function createEstApp(context: AppContext): Hono<{ Bindings: EstBindings }> {
  const app = new Hono<{ Bindings: EstBindings }>();
  limitCallers(app, context);

  app.get(`${BASE}/cacerts`, (c) => {
    const authorities = [...context.authorities.roots, ...context.issuers()];
    return transfer(c, "application/pkcs7-mime", certsOnly(authorities.map(({ certificate }) => certificate)));
  });

  app.get(`${BASE}/csrattrs`, (c) => transfer(c, "application/csrattrs", csrAttributes()));

  for (const operation of ["simpleenroll", "simplereenroll"] as const)
    app.post(
      `${BASE}/${operation}`,
      requireMediaType("application/pkcs10"),
      bodyLimit({ maxSize: LARGEST_BODY }),
      async (c) => {
        const csr = readTransfer(await c.req.text());
        const intent =
          operation === "simpleenroll"
            ? await enroll(context, c.env.connection, csr, c.req.header("authorization"))
            : await reenroll(context, c.env.connection, csr);
        const issued = await context.store.credentialsOf(intent.id);
        const certificates = issued.flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
        context.metrics.issued.inc(certificates.length);
        return transfer(c, "application/pkcs7-mime; smime-type=certs-only", certsOnly(certificates));
      },
    );

  app.notFound((c) => refuse(c, new Problem("not-found", `There is nothing at ${c.req.path}.`)));
  const handle = errorHandler((error, request) => context.logger.error({ err: error, request }, "internal error"));
  app.onError((error, c) => {
    if (!(error instanceof Problem)) return handle(error, c as unknown as Context);
    context.metrics.refusals.inc({ code: error.code });
    return refuse(c, error, 'Basic realm="mls-as enrolment"');
  });
  return app;
}

async function enroll(
  context: AppContext,
  { binding }: EstConnection,
  csr: Uint8Array,
  authorization: string | undefined,
): Promise<Intent> {
  const proofs = presentedProofs(authorization);
  return await issueCredentials(context, {
    csrs: [csr],
    proofs,
    idempotencyKey: undefined,
    requestHash: requestHash("est-enrolment", csr, proofs.token ?? proofs.accessToken ?? ""),
    channel: { binding },
  });
}

/** By the TLS client certificate, which must be an active credential of the client that the CSR names. */
async function reenroll(context: AppContext, connection: EstConnection, csr: Uint8Array): Promise<Intent> {
  const { clientThumbprint, binding } = connection;
  if (clientThumbprint === undefined)
    throw new Problem("signer-unknown", "Connect with the certificate that is to be renewed.", {
      path: "TLS client certificate",
      section: SECTION,
    });
  const request = {
    idempotencyKey: undefined,
    requestHash: requestHash("est-reenrolment", csr, clientThumbprint),
    token: undefined,
  };
  return await oncePerRequest(context, request, async (key) => {
    const signer = await findSigner(context, clientThumbprint, "TLS client certificate");
    const wanted = readRequests(context, [csr], { binding });
    if (wanted.client !== signer.client)
      throw new Problem("identity-mismatch", "The CSR names another client than the certificate.", {
        path: "csrs[0]",
        section: SECTION,
      });
    return { label: wanted.user, decide: () => decideRenewal(context, signer, wanted, [], request, key) };
  });
}

/** Base64 of DER, line breaks allowed (RFC 8951, "Clarification of EST Base64 Transfer Encoding"). */
function readTransfer(text: string): Uint8Array {
  const compact = text.replace(/[\r\n\t ]+/g, "");
  const bytes = Buffer.from(compact, "base64");
  if (compact === "" || bytes.toString("base64") !== compact)
    throw new Problem("csr-malformed", "The body is not the base64 encoding of a CertificationRequest.", {
      path: "csrs[0]",
      section: SECTION,
    });
  return new Uint8Array(bytes);
}

function transfer(c: Context, type: string, der: Uint8Array): Response {
  const body = Buffer.from(der).toString("base64");
  return c.body(body, 200, {
    "Content-Type": type,
    "Content-Transfer-Encoding": "base64",
    "Content-Length": String(body.length),
    "Cache-Control": "no-store",
  });
}

function requestHash(kind: string, csr: Uint8Array, proof: string): string {
  return createHash("sha256")
    .update(JSON.stringify([kind, Buffer.from(csr).toString("base64"), proof]))
    .digest("hex");
}

function limitCallers(app: Hono<{ Bindings: EstBindings }>, { callers }: AppContext): void {
  app.use(async (c, next) => {
    const { address } = c.env.connection;
    callers.admit(address);
    if (c.req.method === "POST") callers.mayGuess(address);
    await next();
    if (c.error instanceof Problem && GUESSES.has(c.error.code)) callers.failed(address);
  });
}
