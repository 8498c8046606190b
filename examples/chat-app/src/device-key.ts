import type { DeviceKey } from "@mls-as/mls-credentials/client";

/** An Ed25519 key pair as ts-mls takes it, and as the Authentication Service is asked to certify it. */
export interface SigningKey {
  /** Raw 32-byte seed and public key. */
  readonly signKey: Uint8Array;
  readonly publicKey: Uint8Array;
  /** The same key for certificate requests. */
  readonly deviceKey: DeviceKey;
}

/**
 * Makes a device's key with WebCrypto. It is extractable because ts-mls 1.x signs with raw keys; an app whose MLS library
 * signs through a callback keeps it non-extractable.
 */
export async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const { d = "", x = "" } = await crypto.subtle.exportKey("jwk", privateKey);
  return {
    signKey: bytesOf(d),
    publicKey: bytesOf(x),
    deviceKey: {
      subjectPublicKeyInfo: new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)),
      sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, new Uint8Array(message))),
    },
  };
}

function bytesOf(base64url: string): Uint8Array {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
