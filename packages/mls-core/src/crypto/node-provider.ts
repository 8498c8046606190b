import * as crypto from "node:crypto";
import { concatBytes } from "@mls-as/tls-codec";
import { ecdsaSignatureFromDer } from "./ecdsa-signature.js";
import { checkPrivateKey, nobleProvider, unsupportedScheme } from "./noble-provider.js";
import type { CryptoProvider, HashName } from "./provider.js";
import { quickSignatureKeyFault } from "./public-key-check.js";
import { ecdsaScheme, SignatureScheme } from "./signature-scheme.js";

const DIGESTS: Readonly<Record<HashName, string>> = { "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");

/** Most key objects kept, the oldest dropped first: making one costs 8 µs (Ed25519) to 90 µs (P-256), verifying about 100. */
const KEPT_KEYS = 1024;
const keptKeys = new Map<string, crypto.KeyObject>();

/** `key` has passed the quick check: OpenSSL 3.0 imports points off the curve without a word. */
function importPublicKey(scheme: SignatureScheme, key: Uint8Array): crypto.KeyObject {
  const text = base64url(key);
  const name = `${scheme}:${text}`;
  const kept = keptKeys.get(name);
  if (kept !== undefined) return kept;
  const ecdsa = ecdsaScheme(scheme);
  const jwk =
    ecdsa === undefined
      ? { kty: "OKP", crv: "Ed25519", x: text }
      : {
          kty: "EC",
          crv: ecdsa.curve,
          x: base64url(key.subarray(1, 1 + ecdsa.size)),
          y: base64url(key.subarray(1 + ecdsa.size)),
        };
  const imported = crypto.createPublicKey({ format: "jwk", key: jwk });
  if (keptKeys.size >= KEPT_KEYS) keptKeys.delete(keptKeys.keys().next().value as string);
  keptKeys.set(name, imported);
  return imported;
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
/** PKCS#8 up to the private key, which comes last: OpenSSL computes the public key itself. */
const PKCS8_PREFIXES: ReadonlyMap<SignatureScheme, Uint8Array> = new Map([
  [SignatureScheme.ed25519, hex("302e020100300506032b657004220420")],
  [
    SignatureScheme.ecdsa_secp256r1_sha256,
    hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"),
  ],
  [SignatureScheme.ecdsa_secp384r1_sha384, hex("304e020100301006072a8648ce3d020106052b81040022043730350201010430")],
  [SignatureScheme.ecdsa_secp521r1_sha512, hex("3060020100301006072a8648ce3d020106052b81040023044930470201010442")],
]);

/** node:crypto; Ed448 by the reference provider, whose strictness OpenSSL does not share. Synchronous. */
export const nodeProvider = {
  hash(name: HashName, data: Uint8Array): Uint8Array {
    // A string and a small array: a Buffer for each hash would keep the garbage collector busier than the hashing.
    const text = crypto.hash(DIGESTS[name], data, "binary");
    const digest = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) digest[i] = text.charCodeAt(i);
    return digest;
  },

  verify(scheme: SignatureScheme, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const fault = quickSignatureKeyFault(scheme, publicKey);
    if (fault === "unsupported-signature-scheme") throw unsupportedScheme(scheme);
    if (fault !== undefined) return false;
    if (scheme === SignatureScheme.ed448) return nobleProvider.verify(scheme, publicKey, message, signature);
    const ecdsa = ecdsaScheme(scheme);
    if (ecdsa === undefined ? signature.length !== 64 : ecdsaSignatureFromDer(signature, ecdsa.size) === undefined)
      return false;
    try {
      const digest = ecdsa === undefined ? null : DIGESTS[ecdsa.hash];
      return crypto.verify(digest, message, importPublicKey(scheme, publicKey), signature);
    } catch {
      return false;
    }
  },

  sign(scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Uint8Array {
    checkPrivateKey(scheme, privateKey);
    const prefix = PKCS8_PREFIXES.get(scheme);
    if (prefix === undefined) return nobleProvider.sign(scheme, privateKey, message);
    const der = Buffer.from(concatBytes(prefix, privateKey));
    const key = crypto.createPrivateKey({ format: "der", type: "pkcs8", key: der });
    const ecdsa = ecdsaScheme(scheme);
    return Uint8Array.from(crypto.sign(ecdsa === undefined ? null : DIGESTS[ecdsa.hash], message, key));
  },
} as const satisfies CryptoProvider;
