import { createHash } from "node:crypto";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { Credential } from "@mls-as/mls-core";
import { limitBody } from "@mls-as/service-runtime";
import { encode } from "@mls-as/tls-codec";
import { fromBase64Url, toBase64Url, toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import { failpoint } from "../failpoint.js";
import { issueCredentials } from "../issuance/issue.js";
import { Problem } from "../problem.js";
import type { Intent } from "../storage/store.js";
import { requireMediaType, requireStrictJson } from "./refusal.js";
import { EnrolmentRequest, Issuance, json, jsonBody, refusals } from "./schemas.js";

const enrol = createRoute({
  method: "post",
  path: "/v1/credentials",
  summary: "Enrol a device: certify its keys after their binding was logged",
  request: {
    headers: z.object({
      "idempotency-key": z
        .string()
        .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters")
        .optional(),
    }),
    body: jsonBody(EnrolmentRequest),
  },
  responses: { 201: json("The credentials, and the proof that the log held them first", Issuance), ...refusals },
});

/** base64url that the schema has checked. */
export function bytesOf(text: string): Uint8Array {
  return fromBase64Url(text) ?? new Uint8Array();
}

/** The answer to a completed issuance. @throws Problem `issuance-pending`, `issuance-withdrawn` */
export async function issuanceAnswer(context: AppContext, intent: Intent): Promise<z.infer<typeof Issuance>> {
  const credentials = await context.store.credentialsOf(intent.id);
  const [first] = credentials;
  if (intent.state !== "done" || intent.proof === undefined || intent.position === undefined)
    throw new Problem("issuance-pending", "The request is not completed yet.", { retryAfter: 2 });
  if (first === undefined || credentials.some(({ certificate }) => certificate === undefined))
    throw new Problem("issuance-withdrawn", "The request was logged but could not be signed, and is revoked.");
  return {
    user: first.user,
    client: first.client,
    credentials: credentials.map((credential) => {
      const leaf = credential.certificate ?? new Uint8Array();
      const issuer = context.issuers().find(({ id }) => id === credential.issuer)?.certificate ?? new Uint8Array();
      return {
        id: credential.id,
        serial: credential.serial,
        leaf: toBase64Url(leaf),
        issuer: toBase64Url(issuer),
        credential: toBase64Url(encode(Credential, { credentialType: "x509", certificates: [leaf, issuer] })),
        notBefore: credential.notBefore,
        notAfter: credential.notAfter,
        status: credential.state === "revoked" ? "revoked" : "active",
      };
    }),
    log: {
      logId: toBase64Url(context.logId),
      version: intent.version,
      position: intent.position,
      deviceList: toBase64Url(intent.value),
      request: toBase64Url(intent.proof.request),
      response: toBase64Url(intent.proof.response),
    },
  };
}

/** Hex SHA-256 of everything that a request asks for, in one spelling. */
export function requestHash(kind: string, parts: unknown): string {
  return toHex(
    createHash("sha256")
      .update(JSON.stringify([kind, parts]))
      .digest(),
  );
}

interface NodeBindings {
  readonly outgoing?: { once(event: "finish", listener: () => void): unknown };
}

export function credentialRoutes(app: OpenAPIHono, context: AppContext): void {
  app.use("/v1/credentials", limitBody({ maxSize: 1024 * 1024 }), async (c, next) =>
    c.req.method === "POST" ? await requireMediaType("application/json")(c, next) : await next(),
  );
  app.use("/v1/credentials", requireStrictJson);
  app.openapi(enrol, async (c) => {
    const { csrs, enrolment } = c.req.valid("json");
    const approvals = typeof enrolment.approval === "string" ? [enrolment.approval] : enrolment.approval;
    const { token, idToken, accessToken } = enrolment;
    const intent = await issueCredentials(context, {
      csrs: csrs.map(bytesOf),
      proofs: { token, idToken, accessToken, approvals: approvals?.map(bytesOf) },
      idempotencyKey: c.req.valid("header")["idempotency-key"],
      requestHash: requestHash("enrolment", [
        csrs,
        token ?? null,
        approvals ?? null,
        idToken ?? null,
        accessToken ?? null,
      ]),
    });
    const answer = await issuanceAnswer(context, intent);
    context.metrics.issued.inc(answer.credentials.length);
    (c.env as NodeBindings | undefined)?.outgoing?.once("finish", () => failpoint("answered"));
    return c.json(answer, 201, { "Cache-Control": "no-store" });
  });
}
