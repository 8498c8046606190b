/** `CipherSuite` values of the draft, "KT Cipher Suites". */
export const KT_128_SHA256_P256 = 0x0001;
export const KT_128_SHA256_Ed25519 = 0x0002;

export type SuiteId = typeof KT_128_SHA256_P256 | typeof KT_128_SHA256_Ed25519;

/** `Hash.Nh` and `VRF.Nh`, in bytes, of both suites. */
export const HASH_LENGTH = 32;
/** `Nc`: bytes of a commitment opening, of both suites. */
export const OPENING_LENGTH = 16;
/** Bytes of a private key, for signatures and for the VRF, of both suites. */
export const PRIVATE_KEY_LENGTH = 32;

/** Fills a new array of `length` bytes from a cryptographic source. */
export type RandomSource = (length: number) => Uint8Array;

/** SHA-256 of `data`: 32 new bytes. */
export type Hash = (data: Uint8Array) => Uint8Array;

/** A VRF public key that passed RFC 9381, "ECVRF Validate Key". */
export interface VrfPublicKey {
  /** Its encoding: 32 bytes (edwards25519) or 33 bytes (P-256, compressed). */
  readonly bytes: Uint8Array;
  /**
   * RFC 9381, "ECVRF Verifying", with `validate_key`.
   *
   * @param input the VRF input, for KEYTRANS an encoded `VrfInput`
   * @param proof `VRF.Np` bytes
   * @returns the VRF output, 32 bytes
   * @throws SuiteError `invalid-vrf-proof` for every proof that is malformed or does not verify
   */
  verify(input: Uint8Array, proof: Uint8Array): Uint8Array;
}

/** A VRF output with the proof that it is right. */
export interface VrfEvaluation {
  /** 32 bytes. */
  readonly output: Uint8Array;
  /** `VRF.Np` bytes. */
  readonly proof: Uint8Array;
}

export interface VrfPrivateKey {
  /** The encoded public key. */
  readonly publicKey: Uint8Array;
  /** RFC 9381, "ECVRF Proving": deterministic. */
  prove(input: Uint8Array): VrfEvaluation;
  /** The output that {@link prove} gives, without the proof: one point multiplication instead of three. */
  output(input: Uint8Array): Uint8Array;
}

/** A public key for tree head and update signatures whose encoding and point were checked. */
export interface SignaturePublicKey {
  /** Its encoding: 32 bytes (Ed25519) or 65 bytes (P-256, uncompressed). */
  readonly bytes: Uint8Array;
  /** Whether `signature` (64 bytes) is this key's over `message`. A malformed signature is `false`, never an exception. */
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
}

/** Something that signs with one key. The key may live elsewhere: implement this over an HSM or a remote signer. */
export interface Signer {
  /** The encoded public key, as in `Configuration.signature_public_key`. */
  readonly publicKey: Uint8Array;
  /** A 64-byte signature in the suite's encoding (P-256: `r || s`, not DER). */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** The primitives of one registered cipher suite. Every provider gives the same bytes and refuses the same inputs. */
export interface Suite {
  readonly id: SuiteId;
  readonly name: "KT_128_SHA256_P256" | "KT_128_SHA256_Ed25519";
  /** `VRF.Np`, in bytes. */
  readonly vrfProofLength: 80 | 81;
  /** Bytes of every signature. */
  readonly signatureLength: 64;
  readonly hash: Hash;
  /**
   * The commitment to a value, 32 bytes. Draft, "Commitment".
   *
   * @param opening `Nc` bytes
   * @param update the TLS encoding of the `UpdateValue`
   * @throws CodecError when an argument does not fit `CommitmentValue`
   */
  commitment(opening: Uint8Array, label: Uint8Array, version: number, update: Uint8Array): Uint8Array;
  /** @throws SuiteError `invalid-vrf-public-key` */
  importVrfPublicKey(bytes: Uint8Array): VrfPublicKey;
  /** @param bytes 32 bytes: an Ed25519 seed, or a P-256 scalar in 1..q-1. @throws SuiteError `invalid-vrf-private-key` */
  importVrfPrivateKey(bytes: Uint8Array): VrfPrivateKey;
  /**
   * The output that a proof claims, *without* verifying the proof. RFC 9381, "ECVRF Proof to Hash".
   *
   * @throws SuiteError `invalid-vrf-proof` when the proof does not decode
   */
  vrfProofToOutput(proof: Uint8Array): Uint8Array;
  /** @throws SuiteError `invalid-signature-public-key` */
  importSignatureKey(bytes: Uint8Array): SignaturePublicKey;
  /** @param privateKey 32 bytes: an Ed25519 seed, or a P-256 scalar in 1..q-1. @throws SuiteError `invalid-signature-private-key` */
  importSigner(privateKey: Uint8Array): Signer;
  /** A private key, 32 bytes, fit for {@link importVrfPrivateKey} or {@link importSigner}. @throws SuiteError `invalid-randomness` */
  generatePrivateKey(random: RandomSource): Uint8Array;
}
