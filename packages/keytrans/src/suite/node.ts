import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import * as crypto from "node:crypto";
import { nobleSuite } from "./noble.js";
import { checkEd25519Key, checkP256Key, SIGNATURE_LENGTH } from "./signatures.js";
import { nativeSodium, type SodiumBuild, wasmSodium } from "./sodium-builds.js";
import { type SodiumVrf, sodiumVrf } from "./sodium-vrf.js";
import {
  type Hash,
  KT_128_SHA256_Ed25519,
  type SignaturePublicKey,
  type Signer,
  type Suite,
  type SuiteId,
} from "./suite.js";

// why a binary string: of node's digests that form is made fastest, and copying it out by hand beats every Buffer
// method: 1.9 million hashes of 65 bytes a second, against 0.8 with "buffer" and 0.3 with createHash.
function oneShot(algorithm: "sha256" | "sha512", length: number): Hash {
  if (typeof crypto.hash !== "function") return (data) => Uint8Array.from(createHash(algorithm).update(data).digest());
  return (data) => {
    const digest = crypto.hash(algorithm, data, "binary");
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = digest.charCodeAt(i);
    return bytes;
  };
}

/** SHA-256 in one shot, the fastest that node has. */
export const nodeSha256: Hash = oneShot("sha256", 32);
const sha512: Hash = oneShot("sha512", 64);

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** node:crypto checks neither the curve nor small orders on import: the suite's own check goes first. */
function nodeSignatureKey(id: SuiteId, encoded: Uint8Array): SignaturePublicKey {
  const bytes = Uint8Array.from(encoded);
  let key: KeyObject;
  if (id === KT_128_SHA256_Ed25519) {
    checkEd25519Key(bytes);
    key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: base64url(bytes) } });
  } else {
    checkP256Key(bytes);
    const x = base64url(bytes.subarray(1, 33));
    key = createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x, y: base64url(bytes.subarray(33)) } });
  }
  const algorithm = id === KT_128_SHA256_Ed25519 ? null : "sha256";
  return {
    bytes,
    verify: (message, signature) =>
      signature.length === SIGNATURE_LENGTH &&
      verify(algorithm, message, { key, dsaEncoding: "ieee-p1363" }, signature),
  };
}

function nodeSigner(id: SuiteId, reference: Signer, privateKey: Uint8Array): Signer {
  const { publicKey } = reference;
  const d = base64url(privateKey);
  const jwk =
    id === KT_128_SHA256_Ed25519
      ? { kty: "OKP", crv: "Ed25519", x: base64url(publicKey), d }
      : { kty: "EC", crv: "P-256", x: base64url(publicKey.subarray(1, 33)), y: base64url(publicKey.subarray(33)), d };
  const key = createPrivateKey({ format: "jwk", key: jwk });
  const algorithm = id === KT_128_SHA256_Ed25519 ? null : "sha256";
  return {
    publicKey,
    sign: (message) => Promise.resolve(Uint8Array.from(sign(algorithm, message, { key, dsaEncoding: "ieee-p1363" }))),
  };
}

interface LoadedSodium {
  readonly vrf: SodiumVrf;
  readonly build: SodiumBuild;
}

async function loadSodium(withNative: boolean): Promise<LoadedSodium | undefined> {
  const wasm = await wasmSodium();
  if (wasm === undefined) return undefined;
  const native = withNative ? await nativeSodium(wasm) : undefined;
  return { vrf: sodiumVrf(native ?? wasm, sha512), build: native === undefined ? "wasm" : "native" };
}

const loading = new Map<boolean, Promise<LoadedSodium | undefined>>();
function loadedSodium(native = true): Promise<LoadedSodium | undefined> {
  const started = loading.get(native) ?? loadSodium(native);
  loading.set(native, started);
  return started;
}

export interface NodeSuiteOptions {
  /** False: no machine code but Node's own, so that libsodium runs as WebAssembly. Default true. */
  readonly native?: boolean;
}

/**
 * Which library does the Ed25519 suite's VRF here: libsodium when `libsodium-wrappers-sumo` is installed, as machine code
 * when `sodium-native` is as well.
 */
export async function nodeVrfProvider(): Promise<"libsodium, native" | "libsodium" | "noble"> {
  const loaded = await loadedSodium();
  if (loaded === undefined) return "noble";
  return loaded.build === "native" ? "libsodium, native" : "libsodium";
}

/**
 * The fast provider for Node: hashes and signatures by node:crypto, the Ed25519 suite's VRF by libsodium where it
 * is installed (see {@link nodeVrfProvider}). The same bytes and the same refusals as {@link nobleSuite}, except that P-256 signatures are randomised.
 *
 * @throws SuiteError `unsupported-suite`
 */
export async function nodeSuite(id: SuiteId, { native = true }: NodeSuiteOptions = {}): Promise<Suite> {
  const reference = nobleSuite(id, { hash: nodeSha256 });
  const vrf = id === KT_128_SHA256_Ed25519 ? (await loadedSodium(native))?.vrf : undefined;
  return {
    ...reference,
    ...vrf,
    importSignatureKey: (bytes) => nodeSignatureKey(id, bytes),
    importSigner: (privateKey) => nodeSigner(id, reference.importSigner(privateKey), privateKey),
  };
}
