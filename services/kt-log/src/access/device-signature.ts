import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type Certificate,
  CertificateError,
  IM_URI_KEY_PURPOSE,
  parseCertificate,
  uriNames,
  validatePath,
} from "@mls-as/mls-credentials";
import { ConfigurationError, JsonError, parseStrictJson } from "@mls-as/service-runtime";
import { errors, flattenedVerify } from "jose";
import { z } from "zod";
import type { AccessRequest, Authenticator, Caller } from "./access-policy.js";
import type { RequestNonces } from "./request-nonces.js";

/** JWS algorithms by the TLS SignatureScheme of the certified key; a key never takes part in another. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [0x0807, "EdDSA"],
  [0x0403, "ES256"],
  [0x0503, "ES384"],
  [0x0603, "ES512"],
]);

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/);
const Header = z.strictObject({
  alg: z.enum(["EdDSA", "ES256", "ES384", "ES512"]),
  nonce: z.string().max(256),
  url: z.string().max(2048),
  "x5t#S256": z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** The signer's certificate and what leads from it towards an anchor, DER in base64 (RFC 7515, "x5c"). */
  x5c: z.array(base64.max(16_384)).min(1).max(5),
});

export interface DeviceSignatureOptions {
  readonly anchors: readonly Certificate[];
  readonly nonces: RequestNonces;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * Holders of unexpired credentials below the anchors: `Authorization: MLS-JWS <header>..<signature>`, a compact JWS over
 * the request's body, which is left out (RFC 7515, "Detached Content"), with `nonce`, `url`, `x5t#S256` and `x5c`.
 */
export function deviceSignatures(options: DeviceSignatureOptions): Authenticator {
  return {
    async identify(request) {
      try {
        return await identify(options, request);
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof CertificateError || error instanceof JsonError)
          return undefined;
        throw error;
      }
    },
  };
}

async function identify(
  { anchors, nonces, clock }: DeviceSignatureOptions,
  { authorization, url, body }: AccessRequest,
): Promise<Caller | undefined> {
  const match = /^MLS-JWS ([A-Za-z0-9_-]{1,40000})\.\.([A-Za-z0-9_-]{1,400})$/.exec(authorization ?? "");
  const [, encoded = "", signature = ""] = match ?? [];
  if (match === null) return undefined;
  const { success, data: header } = Header.safeParse(parseStrictJson(Buffer.from(encoded, "base64url")));
  if (!success || header.url !== url) return undefined;
  const [leaf, ...intermediates] = header.x5c.map((der) =>
    parseCertificate(new Uint8Array(Buffer.from(der, "base64"))),
  );
  if (leaf === undefined) return undefined;
  const der = Buffer.from(header.x5c[0] ?? "", "base64");
  if (createHash("sha256").update(der).digest("base64url") !== header["x5t#S256"]) return undefined;
  const algorithm = ALGORITHMS.get(leaf.signatureKey?.scheme ?? 0);
  const key = publicKeyOf(leaf);
  if (algorithm !== header.alg || key === undefined) return undefined;
  // The cheap check first; a nonce is spent only by who holds the key.
  await flattenedVerify({ protected: encoded, payload: Buffer.from(body).toString("base64url"), signature }, key, {
    algorithms: [algorithm],
  });
  const path = await validatePath({
    leaf,
    intermediates,
    anchors,
    time: clock() / 1000,
    provider: nodeProvider,
    extendedKeyUsages: [IM_URI_KEY_PURPOSE],
    limits: { maxIntermediates: 4, maxSignatureChecks: 16, maxSteps: 256 },
  });
  if (!path.valid || !nonces.spend(header.nonce)) return undefined;
  // Credentials of one client count as one caller.
  const names = uriNames(leaf);
  return { identity: `device ${names.length === 0 ? header["x5t#S256"] : names.join(" ")}`, writer: false };
}

function publicKeyOf({ spki }: Certificate): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM file. @throws ConfigurationError */
export async function readAnchors(path: string): Promise<Certificate[]> {
  const fault = (message: string, options?: ErrorOptions): ConfigurationError =>
    new ConfigurationError(
      [{ field: "reader_anchors_file", from: path, message, remedy: "Write the CA certificates in PEM." }],
      options,
    );
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fault("the file cannot be read", { cause });
  });
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw fault("there is no certificate in it");
  return blocks.map((block, i) => {
    try {
      return parseCertificate(new Uint8Array(new X509Certificate(block).raw));
    } catch (cause) {
      throw fault(`certificate ${i + 1} is malformed`, { cause });
    }
  });
}
