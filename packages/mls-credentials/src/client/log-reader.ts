import type { Authorize } from "@mls-as/kt-client";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../base64url.js";
import { type RequestSigner, signJws } from "./device-request.js";
import { freshNonce } from "./enrolment.js";
import type { ServiceOptions } from "./service-request.js";

export interface LogReader extends RequestSigner {
  /** What leads from the leaf to an anchor that the log knows, DER, issuer first; without the root. */
  readonly issuers: readonly Uint8Array[];
}

/**
 * For the `reader` of the log client: signs each request with the key of an unexpired credential, where a log answers only
 * who has one. A compact JWS over the body, which is left out (RFC 7515, "Detached Content"); costs one more request for the nonce.
 * @throws ClientError
 */
export function readAsDevice({ key, certificate, issuers }: LogReader, options: ServiceOptions = {}): Authorize {
  const signer = {
    "x5t#S256": toBase64Url(sha256(certificate)),
    x5c: [certificate, ...issuers].map((der) => btoa(String.fromCharCode(...der))),
  };
  return async ({ url, body }) => {
    const nonce = await freshNonce(new URL(url).origin, options);
    const jws = await signJws(key, signer, { url, nonce, payload: body });
    return { authorization: `MLS-JWS ${jws.protected}..${jws.signature}` };
  };
}
