import { ecdsaSignatureFromDer, ecdsaSignatureToDer } from "./ecdsa-signature.js";
import { nobleProvider, signaturePublicKey, unsupportedScheme } from "./noble-provider.js";
import type { CryptoProvider } from "./provider.js";
import { quickSignatureKeyFault } from "./public-key-check.js";
import { ecdsaScheme, SignatureScheme } from "./signature-scheme.js";

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** WebCrypto's types want views over an ArrayBuffer, never a SharedArrayBuffer. */
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

function isUnsupported(error: unknown): boolean {
  return error instanceof Error && error.name === "NotSupportedError";
}

async function verifyBySubtle(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const ecdsa = ecdsaScheme(scheme);
  const form = ecdsa === undefined ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: ecdsa.curve };
  const joined = ecdsa === undefined ? signature : ecdsaSignatureFromDer(signature, ecdsa.size);
  if (joined === undefined || (ecdsa === undefined && signature.length !== 64)) return false;
  try {
    const key = await subtle.importKey("raw", owned(publicKey), form, false, ["verify"]);
    const algorithm = ecdsa === undefined ? form : { name: "ECDSA", hash: ecdsa.hash };
    return await subtle.verify(algorithm, key, owned(joined), owned(message));
  } catch (error) {
    if (isUnsupported(error)) return nobleProvider.verify(scheme, publicKey, message, signature);
    return false;
  }
}

async function signBySubtle(scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto;
  const ecdsa = ecdsaScheme(scheme);
  const form = ecdsa === undefined ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: ecdsa.curve };
  const point = signaturePublicKey(scheme, privateKey);
  const jwk =
    ecdsa === undefined
      ? { kty: "OKP", crv: "Ed25519", x: base64url(point), d: base64url(privateKey) }
      : {
          kty: "EC",
          crv: ecdsa.curve,
          x: base64url(point.subarray(1, 1 + ecdsa.size)),
          y: base64url(point.subarray(1 + ecdsa.size)),
          d: base64url(privateKey),
        };
  try {
    const key = await subtle.importKey("jwk", jwk, form, false, ["sign"]);
    const algorithm = ecdsa === undefined ? form : { name: "ECDSA", hash: ecdsa.hash };
    const signature = new Uint8Array(await subtle.sign(algorithm, key, owned(message)));
    return ecdsa === undefined ? signature : ecdsaSignatureToDer(signature);
  } catch (error) {
    if (isUnsupported(error)) return nobleProvider.sign(scheme, privateKey, message);
    throw error;
  }
}

/**
 * Signatures by the platform's WebCrypto, asynchronous; hashes, Ed448, and whatever the platform's WebCrypto does not
 * support, by the reference provider.
 */
export const webCryptoProvider = {
  hash: nobleProvider.hash,

  async verify(
    scheme: SignatureScheme,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    const fault = quickSignatureKeyFault(scheme, publicKey);
    if (fault === "unsupported-signature-scheme") throw unsupportedScheme(scheme);
    if (fault !== undefined) return false;
    if (scheme === SignatureScheme.ed448) return nobleProvider.verify(scheme, publicKey, message, signature);
    return await verifyBySubtle(scheme, publicKey, message, signature);
  },

  async sign(scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
    if (scheme === SignatureScheme.ed448) return nobleProvider.sign(scheme, privateKey, message);
    return await signBySubtle(scheme, privateKey, message);
  },
} as const satisfies CryptoProvider;
