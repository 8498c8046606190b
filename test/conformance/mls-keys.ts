import { createECDH, createPrivateKey, createPublicKey } from "node:crypto";
import { cipherSuite, SignatureScheme, signaturePublicKey } from "@mls-as/mls-core";

const PKCS8_PREFIX = { X25519: "302e020100300506032b656e04220420", X448: "3046020100300506032b656f043a0438" } as const;
const ECDH_NAME = { "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" } as const;

/** The HPKE public key, in MLS encoding, of a private key. */
export function encryptionPublicKey(suite: number, privateKey: Uint8Array): Uint8Array {
  const { kem } = cipherSuite(suite);
  if (kem !== "X25519" && kem !== "X448") {
    const ecdh = createECDH(ECDH_NAME[kem]);
    ecdh.setPrivateKey(privateKey);
    return new Uint8Array(ecdh.getPublicKey());
  }
  const der = Buffer.concat([Buffer.from(PKCS8_PREFIX[kem], "hex"), privateKey]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" })).export({ format: "jwk" });
  return new Uint8Array(Buffer.from(x as string, "base64url"));
}

const SCALAR_LENGTH: ReadonlyMap<number, number> = new Map([
  [SignatureScheme.ecdsa_secp256r1_sha256, 32],
  [SignatureScheme.ecdsa_secp384r1_sha384, 48],
  [SignatureScheme.ecdsa_secp521r1_sha512, 66],
]);

/** The signature public key of a private key, whose scalar some vectors give without its leading zeros. */
export function signaturePublicKeyOf(scheme: number, privateKey: Uint8Array): Uint8Array {
  const length = SCALAR_LENGTH.get(scheme) ?? privateKey.length;
  const padded = new Uint8Array(Math.max(length, privateKey.length));
  padded.set(privateKey, padded.length - privateKey.length);
  return signaturePublicKey(scheme, padded);
}
