import { isClientUri, isUserUri } from "@mls-as/mls-credentials";
import { z } from "@hono/zod-openapi";
import { fromBase64Url } from "../binary-text.js";
import { MAXIMUM_CREDENTIALS } from "../config.js";
import { REVOCATION_REASONS, type RevocationReason } from "../revocation/revoke.js";

/** Octets as canonical base64url without padding. */
export const Bytes = z
  .string()
  .regex(/^[A-Za-z0-9_-]*$/, "must be base64url without padding")
  .refine((text) => fromBase64Url(text) !== undefined, "must be canonical base64url")
  .openapi({ format: "base64url", description: "base64url without padding" });

/** Seconds since 1970. */
export const Seconds = z.int().openapi({ description: "seconds since 1970", example: 1_795_000_000 });

export const UserUri = z
  .string()
  .max(255)
  .refine(isUserUri, "must be a canonical user URI, mimi://{domain}/u/{user}")
  .openapi({ example: "mimi://mls.example/u/alice" });

export const ClientUri = z
  .string()
  .max(255)
  .refine(isClientUri, "must be a canonical client URI, mimi://{domain}/d/{user}/{device}")
  .openapi({ example: "mimi://mls.example/d/alice/phone" });

/** Hex SHA-256 of the TBSCertificate. */
export const CredentialId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits")
  .openapi({ description: "hex SHA-256 of the DER TBSCertificate, as in the log" });

export const Reason = z.enum(Object.keys(REVOCATION_REASONS) as [RevocationReason, ...RevocationReason[]]).openapi({
  description: "CRLReason (RFC 5280)",
});

export const Nonce = z.strictObject({ nonce: z.string(), expiresAt: Seconds }).openapi("Nonce");

export const Csrs = z.array(Bytes.max(16_384)).min(1).max(MAXIMUM_CREDENTIALS).openapi({
  description: "DER PKCS#10 requests of one device, all with the same nonce as challengePassword",
});

export const EnrolmentRequest = z
  .strictObject({
    csrs: Csrs,
    enrolment: z.strictObject({
      token: z.string().min(1).max(256).optional(),
      approval: z
        .union([Bytes.max(8192), z.array(Bytes.max(8192)).min(1).max(MAXIMUM_CREDENTIALS)])
        .optional()
        .openapi({ description: "TLS DeviceApproval; for several CSRs a list, one for each in order" }),
      idToken: z.string().min(1).max(16_384).optional(),
      accessToken: z.string().min(1).max(16_384).optional(),
    }),
  })
  .openapi("EnrolmentRequest");

export const IssuedCredential = z.strictObject({
  id: CredentialId,
  serial: z.string(),
  leaf: Bytes.openapi({ description: "DER certificate" }),
  issuer: Bytes.openapi({ description: "DER certificate of the issuing CA" }),
  credential: Bytes.openapi({ description: "TLS-encoded MLS Credential (x509: leaf, issuer)" }),
  notBefore: Seconds,
  notAfter: Seconds,
  status: z.enum(["active", "revoked"]),
});

export const Issuance = z
  .strictObject({
    user: UserUri,
    client: ClientUri,
    credentials: z.array(IssuedCredential),
    log: z.strictObject({
      logId: Bytes,
      version: z.int(),
      position: z.int(),
      deviceList: Bytes.openapi({ description: "the DeviceList that the log holds as this version" }),
      request: Bytes.openapi({ description: "KEYTRANS SearchRequest without `last` and `version`" }),
      response: Bytes.openapi({ description: "KEYTRANS SearchResponse" }),
    }),
  })
  .openapi("Issuance");

export const CredentialStatus = z
  .strictObject({
    id: CredentialId,
    user: UserUri,
    client: ClientUri,
    serial: z.string(),
    issuer: z.string(),
    notBefore: Seconds,
    notAfter: Seconds,
    status: z.enum(["pending", "active", "revoked"]),
    revokedAt: Seconds.optional(),
    reason: Reason.optional(),
    logged: z.boolean().optional(),
  })
  .openapi("CredentialStatus");

export const Revocations = z
  .strictObject({
    revoked: z.array(
      z.strictObject({
        id: CredentialId,
        serial: z.string(),
        client: ClientUri,
        revokedAt: Seconds,
        reason: Reason,
        logged: z.boolean(),
      }),
    ),
    version: z.int().nullable().openapi({ description: "version of the device list that shows them all, when logged" }),
  })
  .openapi("Revocations");

export const ProblemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    path: z.string().optional(),
    section: z.string().optional(),
    retryAfter: z.int().optional(),
  })
  .openapi("Problem");

/** The response entry for refusals, the same everywhere. */
export const refusals = {
  default: {
    description: "A problem document (RFC 9457); codes are in docs/errors.md",
    content: { "application/problem+json": { schema: ProblemDocument } },
  },
} as const;

/** A JSON response entry. */
export function json<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON request body entry. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { required: true, content: { "application/json": { schema } } };
}
