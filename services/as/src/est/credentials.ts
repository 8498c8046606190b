import type { PresentedProofs } from "../enrolment/enrolment-proofs.js";
import { Problem } from "../problem.js";

const LONGEST = 16_384;
const refuse = (detail: string): Problem =>
  new Problem("unauthorized", detail, { path: "Authorization", section: "HTTP" });

/**
 * The enrolment proof in an Authorization header (RFC 7030, "HTTP-Based Client Authentication"): the password of Basic,
 * whose user name is not looked at, or a Bearer token. A JWT is an access token of the OpenID provider, anything else a
 * one-time token.
 *
 * @throws Problem `unauthorized`
 */
export function presentedProofs(authorization: string | undefined): PresentedProofs {
  if (authorization === undefined) throw refuse("An enrolment token is due, as Basic password or Bearer token.");
  const [, scheme = "", value = ""] = /^(\w+) ([!-~]+)$/.exec(authorization) ?? [];
  if (value.length > LONGEST) throw refuse("The header is too long.");
  switch (scheme.toLowerCase()) {
    case "basic":
      return proof(password(value));
    case "bearer":
      return proof(value);
    default:
      throw refuse("Basic or Bearer is due.");
  }
}

function password(encoded: string): string {
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) throw refuse("Basic without a password.");
  return decoded.slice(colon + 1);
}

function proof(secret: string): PresentedProofs {
  if (secret === "") throw refuse("The token is empty.");
  return secret.split(".").length === 3 ? { accessToken: secret } : { token: secret };
}
