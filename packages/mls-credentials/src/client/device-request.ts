import { toBase64Url } from "../base64url.js";
import { readSubjectPublicKeyInfo } from "../subject-public-key-info.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import { freshNonce } from "./enrolment.js";
import { requestJson, type ServiceOptions } from "./service-request.js";

/** JWS algorithms and the bytes of an ECDSA scalar by TLS SignatureScheme (RFC 7518, RFC 8037). */
const ALGORITHMS: ReadonlyMap<number, { readonly name: string; readonly scalar: number | undefined }> = new Map([
  [0x0807, { name: "EdDSA", scalar: undefined }],
  [0x0403, { name: "ES256", scalar: 32 }],
  [0x0503, { name: "ES384", scalar: 48 }],
  [0x0603, { name: "ES512", scalar: 66 }],
]);

/** The credential in whose name a device asks. */
export interface RequestSigner {
  readonly key: DeviceKey;
  /** The leaf, DER. */
  readonly certificate: Uint8Array;
}

/** A flattened JWS (RFC 7515), as ACME uses it. */
export interface SignedRequest {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** Signs a request to the service: for this URL, with this nonce, by the key of an active credential. @throws ClientError */
export async function signRequest({ key, certificate }: RequestSigner, request: Unsigned): Promise<SignedRequest> {
  return await signJws(key, { "x5t#S256": toBase64Url(sha256(certificate)) }, request);
}

/** What a JWS of a device is made for. */
export interface Unsigned {
  readonly url: string;
  readonly nonce: string;
  readonly payload: Uint8Array;
}

/** A flattened JWS over `payload` whose header names the signer as `signer` says. @throws ClientError */
export async function signJws(
  key: DeviceKey,
  signer: object,
  { url, nonce, payload }: Unsigned,
): Promise<SignedRequest> {
  const { name, scalar } = algorithmOf(key);
  const header = { alg: name, nonce, url, ...signer };
  const encodedHeader = toBase64Url(new TextEncoder().encode(JSON.stringify(header)));
  const encodedPayload = toBase64Url(payload);
  const signature = await key.sign(new TextEncoder().encode(`${encodedHeader}.${encodedPayload}`));
  const joined = scalar === undefined ? signature : joinedScalars(signature, scalar);
  return { protected: encodedHeader, payload: encodedPayload, signature: toBase64Url(joined) };
}

function algorithmOf({ subjectPublicKeyInfo }: DeviceKey): {
  readonly name: string;
  readonly scalar: number | undefined;
} {
  const algorithm = ALGORITHMS.get(readSubjectPublicKeyInfo(subjectPublicKeyInfo)?.scheme ?? 0);
  if (algorithm === undefined)
    throw new ClientError("unsupported-key", "key.subjectPublicKeyInfo", "no supported signature key");
  return algorithm;
}

/**
 * Tells the service that a key is in wrong hands: all its credentials are revoked, and it is never certified again. Needs
 * nothing but the key, and may be repeated. @throws ClientError
 */
export async function reportKeyCompromise(service: string, key: DeviceKey, options: ServiceOptions): Promise<void> {
  const url = `${service}/v1/key-compromises`;
  const nonce = await freshNonce(service, options);
  const payload = new TextEncoder().encode("{}");
  await postSigned(url, await signJws(key, { jwk: publicJwk(key) }, { url, nonce, payload }), options);
}

/** JWK (RFC 7517) of a key, with the members that name it and no others. */
function publicJwk(key: DeviceKey): Record<string, string> {
  const { publicKey } = readSubjectPublicKeyInfo(key.subjectPublicKeyInfo) ?? { publicKey: new Uint8Array() };
  const { name, scalar } = algorithmOf(key);
  if (scalar === undefined) return { kty: "OKP", crv: "Ed25519", x: toBase64Url(publicKey) };
  const crv = name === "ES256" ? "P-256" : name === "ES384" ? "P-384" : "P-521";
  const [x, y] = [publicKey.subarray(1, 1 + scalar), publicKey.subarray(1 + scalar)];
  return { kty: "EC", crv, x: toBase64Url(x), y: toBase64Url(y) };
}

/** Sends a signed payload and returns the answer. @throws ClientError */
export async function postSigned(
  url: string,
  jws: SignedRequest,
  options: ServiceOptions,
): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/jose+json" };
  return await requestJson(url, { method: "POST", body: jws, headers }, options);
}

/** Reads what only the user's own devices may read. @throws ClientError */
export async function getSigned(
  service: string,
  path: string,
  signer: RequestSigner,
  options: ServiceOptions,
): Promise<Record<string, unknown>> {
  const url = `${service}${path}`;
  const nonce = await freshNonce(service, options);
  const jws = await signRequest(signer, { url, nonce, payload: new Uint8Array() });
  const headers = { authorization: `MLS-JWS ${jws.protected}..${jws.signature}` };
  return await requestJson(url, { method: "GET", headers }, options);
}

/** `r ‖ s` out of a DER ECDSA-Sig-Value, which the device's own key made. */
function joinedScalars(der: Uint8Array, scalar: number): Uint8Array {
  const joined = new Uint8Array(2 * scalar);
  let at = (der[1] ?? 0) === 0x81 ? 3 : 2;
  for (const end of [scalar, 2 * scalar]) {
    const length = der[at + 1] ?? 0;
    let integer = der.subarray(at + 2, at + 2 + length);
    while (integer.length > scalar && integer[0] === 0) integer = integer.subarray(1);
    if (der[at] !== 0x02 || integer.length > scalar)
      throw new ClientError("unsupported-key", "key.sign", "not a DER ECDSA signature");
    joined.set(integer, end - integer.length);
    at += 2 + length;
  }
  return joined;
}
