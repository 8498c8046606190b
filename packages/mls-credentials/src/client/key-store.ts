import { signContent } from "@mls-as/mls-core";
import type { LabelledSigner } from "../device-approval.js";
import { readSubjectPublicKeyInfo, writeSubjectPublicKeyInfo } from "../subject-public-key-info.js";
import type { DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import { derElement, derSequence } from "./der-writer.js";

/**
 * Where a device's signature keys live. An app that has a platform keystore implements this over it; private keys never
 * pass through this package.
 *
 * - `generate` makes a key under a new name, or gives the one that is there: after a crash the same name is asked for again.
 *   When it has returned, the key survives a crash.
 * - `load` gives undefined for an unknown name. `remove` of an unknown name does nothing.
 */
export interface KeyStore {
  /** `scheme` is a TLS SignatureScheme: Ed25519 0x0807, P-256 0x0403, P-384 0x0503, P-521 0x0603. */
  generate(name: string, scheme: number): Promise<DeviceKey>;
  load(name: string): Promise<DeviceKey | undefined>;
  remove(name: string): Promise<void>;
}

/** Signs MLS content (RFC 9420, "Signing") with a device's key. */
export function labelledSignerOf(key: DeviceKey): LabelledSigner {
  return async (label, content) => await key.sign(signContent(label, content));
}

/** Curve, hash and scalar length of the ECDSA schemes. */
const CURVES: ReadonlyMap<number, { readonly namedCurve: string; readonly hash: string }> = new Map([
  [0x0403, { namedCurve: "P-256", hash: "SHA-256" }],
  [0x0503, { namedCurve: "P-384", hash: "SHA-384" }],
  [0x0603, { namedCurve: "P-521", hash: "SHA-512" }],
]);
const ED25519 = 0x0807;

/** A WebCrypto key pair whose private part cannot be read, only used. It can be put into IndexedDB as it is. */
export type PlatformKeyPair = Awaited<ReturnType<typeof generatePair>>;

async function generatePair(scheme: number) {
  const ecdsa = CURVES.get(scheme);
  if (scheme !== ED25519 && ecdsa === undefined)
    throw new ClientError("unsupported-key", "scheme", `no key of scheme 0x${scheme.toString(16)} can be made`);
  const { subtle } = globalThis.crypto;
  const pair =
    ecdsa === undefined
      ? await subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])
      : await subtle.generateKey({ name: "ECDSA", namedCurve: ecdsa.namedCurve }, false, ["sign", "verify"]);
  if (!("privateKey" in pair))
    throw new ClientError("unsupported-key", "scheme", "the platform makes no such key pair");
  return { scheme, privateKey: pair.privateKey, publicKey: pair.publicKey };
}

/** Makes a non-extractable WebCrypto key pair. @throws ClientError `unsupported-key` */
export async function generatePlatformKey(scheme: number): Promise<PlatformKeyPair> {
  try {
    return await generatePair(scheme);
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError("unsupported-key", "scheme", "this platform cannot make such a key", { cause });
  }
}

/** A key pair as a device's key: raw Ed25519 or DER ECDSA signatures. */
export async function platformDeviceKey({ scheme, privateKey, publicKey }: PlatformKeyPair): Promise<DeviceKey> {
  const { subtle } = globalThis.crypto;
  const raw = new Uint8Array(await subtle.exportKey("raw", publicKey));
  const subjectPublicKeyInfo = writeSubjectPublicKeyInfo({ scheme, publicKey: raw });
  const ecdsa = CURVES.get(scheme);
  if (subjectPublicKeyInfo === undefined || readSubjectPublicKeyInfo(subjectPublicKeyInfo) === undefined)
    throw new ClientError("unsupported-key", "publicKey", "not a key that certificates may hold");
  return {
    subjectPublicKeyInfo,
    async sign(message) {
      const algorithm = ecdsa === undefined ? { name: "Ed25519" } : { name: "ECDSA", hash: ecdsa.hash };
      const signature = new Uint8Array(await subtle.sign(algorithm, privateKey, new Uint8Array(message)));
      return ecdsa === undefined ? signature : derSignature(signature);
    },
  };
}

/** ECDSA-Sig-Value out of `r ‖ s`. */
function derSignature(joined: Uint8Array): Uint8Array {
  const half = joined.length / 2;
  const integers = [joined.subarray(0, half), joined.subarray(half)].map((scalar) => {
    let start = 0;
    while (start < scalar.length - 1 && scalar[start] === 0) start++;
    const digits = scalar.subarray(start);
    const padded = (digits[0] as number) >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
    return derElement(0x02, padded);
  });
  return derSequence(...integers);
}

/** Keeps WebCrypto keys as long as the object lives. */
export function memoryKeyStore(): KeyStore {
  const pairs = new Map<string, PlatformKeyPair>();
  return {
    async generate(name, scheme) {
      const pair = pairs.get(name) ?? (await generatePlatformKey(scheme));
      pairs.set(name, pair);
      return await platformDeviceKey(pair);
    },
    async load(name) {
      const pair = pairs.get(name);
      return pair === undefined ? undefined : await platformDeviceKey(pair);
    },
    async remove(name) {
      pairs.delete(name);
    },
  };
}
