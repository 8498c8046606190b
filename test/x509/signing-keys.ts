import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  privateEncrypt,
  sign,
} from "node:crypto";
import {
  ascii,
  bitString,
  bytes,
  concat,
  explicit,
  hex,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
} from "./der-writer.js";
import { RSA_KEYS } from "./rsa-keys.js";

/** A key pair that signs without randomness, so that what it signs can be generated again. */
export interface TestKey {
  readonly spki: Uint8Array;
  /** DER AlgorithmIdentifier of its signatures. */
  readonly algorithm: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

const seed = (label: string, size: number): Uint8Array =>
  Uint8Array.from(createHash("sha512").update(`x509-mls ${label}`).digest().subarray(0, size));

function edwardsKey(id: string, secret: Uint8Array): TestKey {
  const algorithm = sequence(oid(id));
  const pkcs8 = sequence(integer(0), algorithm, octetString(octetString(secret)));
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  const spki = Uint8Array.from(createPublicKey(key).export({ format: "der", type: "spki" }));
  return { spki, algorithm, sign: (message) => Uint8Array.from(sign(null, message, key)) };
}

export const ed25519Key = (label: string): TestKey => edwardsKey("1.3.101.112", seed(label, 32));
export const ed448Key = (label: string): TestKey => edwardsKey("1.3.101.113", seed(label, 57));

const CURVES = {
  "P-256": {
    name: "prime256v1",
    oid: "1.2.840.10045.3.1.7",
    hash: "sha256",
    size: 32,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  "P-384": {
    name: "secp384r1",
    oid: "1.3.132.0.34",
    hash: "sha384",
    size: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  "P-521": {
    name: "secp521r1",
    oid: "1.3.132.0.35",
    hash: "sha512",
    size: 66,
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
} as const;

const ECDSA_OIDS = {
  sha1: "1.2.840.10045.4.1",
  sha224: "1.2.840.10045.4.3.1",
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
} as const;

const toInteger = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).toString("hex")}`);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

/** ECDSA whose nonce is a hash of key and message: fit for vectors only. The nonce's point is an ECDH public key. */
export function ecdsaKey(
  label: string,
  curve: keyof typeof CURVES,
  hash?: keyof typeof ECDSA_OIDS,
  compressed = false,
): TestKey {
  const { name, oid: curveOid, hash: usual, size, order } = CURVES[curve];
  const pointOf = (scalar: bigint, form: "compressed" | "uncompressed"): Uint8Array => {
    const pair = createECDH(name);
    pair.setPrivateKey(scalar.toString(16).padStart(2 * size, "0"), "hex");
    return Uint8Array.from(pair.getPublicKey(null, form));
  };
  const secret = toInteger(seed(label, 31));
  const digestName = hash ?? usual;
  return {
    spki: sequence(
      sequence(oid("1.2.840.10045.2.1"), oid(curveOid)),
      bitString(pointOf(secret, compressed ? "compressed" : "uncompressed")),
    ),
    algorithm: sequence(oid(ECDSA_OIDS[digestName])),
    sign: (message) => {
      const digest = Uint8Array.from(createHash(digestName).update(message).digest()).subarray(0, size);
      const nonce = toInteger(
        Uint8Array.from(createHash("sha256").update(`nonce ${label}`).update(message).digest()).subarray(0, 31),
      );
      const r = toInteger(pointOf(nonce, "uncompressed").subarray(1, 1 + size)) % order;
      const s = (power(nonce, order - 2n, order) * (toInteger(digest) + r * secret)) % order;
      return sequence(integer(r), integer(s));
    },
  };
}

/** An unsigned big-endian number as INTEGER. */
export const positive = (magnitude: Uint8Array): Uint8Array =>
  integer(BigInt(`0x${Buffer.from(magnitude).toString("hex")}`));

const RSA_OIDS = {
  sha1: "1.2.840.113549.1.1.5",
  sha256: "1.2.840.113549.1.1.11",
  sha384: "1.2.840.113549.1.1.12",
  sha512: "1.2.840.113549.1.1.13",
} as const;
const HASH_OIDS = {
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
} as const;
type RsaHash = keyof typeof RSA_OIDS;

const rsaPrivateKey = (label: keyof typeof RSA_KEYS) =>
  createPrivateKey({ key: Buffer.from(RSA_KEYS[label], "base64"), format: "der", type: "pkcs8" });
const rsaPublic = (label: keyof typeof RSA_KEYS): Uint8Array => {
  const { n = "", e = "" } = rsaPrivateKey(label).export({ format: "jwk" });
  return sequence(positive(Buffer.from(n, "base64url")), positive(Buffer.from(e, "base64url")));
};

function rawRsa(label: keyof typeof RSA_KEYS, encoded: Uint8Array): Uint8Array {
  return Uint8Array.from(privateEncrypt({ key: rsaPrivateKey(label), padding: constants.RSA_NO_PADDING }, encoded));
}

export function rsaKey(
  label: keyof typeof RSA_KEYS,
  hash: RsaHash = "sha256",
  size = 256,
  padding?: (info: Uint8Array) => Uint8Array,
): TestKey {
  return {
    spki: sequence(sequence(oid("1.2.840.113549.1.1.1"), nullValue), bitString(rsaPublic(label))),
    algorithm: sequence(oid(RSA_OIDS[hash]), nullValue),
    sign: (message) => {
      const digest = Uint8Array.from(createHash(hash).update(message).digest());
      const info = sequence(sequence(oid(HASH_OIDS[hash]), nullValue), octetString(digest));
      const encoded =
        padding?.(info) ?? concat(bytes(0, 1), new Uint8Array(size - info.length - 3).fill(0xff), bytes(0), info);
      return rawRsa(label, encoded);
    },
  };
}

function mgf1(hash: RsaHash, from: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0; counter * 20 < length; counter += 1)
    blocks.push(
      Uint8Array.from(
        createHash(hash)
          .update(from)
          .update(bytes(0, 0, 0, counter))
          .digest(),
      ),
    );
  return concat(...blocks).subarray(0, length);
}

export function pssParameters(
  hash: RsaHash,
  maskHash: RsaHash,
  saltLength: number,
  extra: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return sequence(
    explicit(0, sequence(oid(HASH_OIDS[hash]), nullValue)),
    explicit(1, sequence(oid("1.2.840.113549.1.1.8"), sequence(oid(HASH_OIDS[maskHash]), nullValue))),
    explicit(2, integer(saltLength)),
    extra,
  );
}

/** RSASSA-PSS with a 2048-bit key; `parameters` is what the identifier claims, `restricted` an id-RSASSA-PSS key. */
export function pssKey(
  label: keyof typeof RSA_KEYS,
  hash: RsaHash,
  options: { parameters?: Uint8Array; restricted?: boolean; restriction?: Uint8Array; trailer?: number } = {},
): TestKey {
  const size = createHash(hash).digest().length;
  const parameters = options.parameters ?? pssParameters(hash, hash, size);
  const keyAlgorithm =
    options.restricted === true
      ? sequence(oid("1.2.840.113549.1.1.10"), options.restriction ?? parameters)
      : sequence(oid("1.2.840.113549.1.1.1"), nullValue);
  return {
    spki: sequence(keyAlgorithm, bitString(rsaPublic(label))),
    algorithm: sequence(oid("1.2.840.113549.1.1.10"), parameters),
    sign: (message) => {
      const salt = Uint8Array.from(createHash(hash).update(ascii("salt")).update(message).digest());
      const digest = createHash(hash).update(message).digest();
      const hashed = Uint8Array.from(createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest());
      const length = 256 - hashed.length - 1;
      const block = concat(new Uint8Array(length - salt.length - 1), bytes(1), salt);
      const mask = mgf1(hash, hashed, length);
      const masked = block.map((octet, index) => octet ^ (mask[index] ?? 0));
      masked[0] = (masked[0] ?? 0) & 0x7f;
      return rawRsa(label, concat(masked, hashed, bytes(options.trailer ?? 0xbc)));
    },
  };
}

/** A key that cannot sign, for subjects whose key itself is the matter. */
export const bareKey = (spki: Uint8Array): TestKey => ({
  spki,
  algorithm: sequence(oid("1.3.101.112")),
  sign: () => hex("00".repeat(64)),
});
