import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, type Signer, type SuiteId } from "@mls-as/keytrans";
import { type OpenedKey, openKey, rawPublicKey, SignerError, type SigningKey } from "@mls-as/signers";
import { ConfigurationError } from "@mls-as/service-runtime";
import type { Config } from "./config.js";

/** The tree head key where it is held outside keys.json: in a PKCS#11 token, or in a key file of its own. */
export interface ExternalTreeHeadKey {
  readonly signer: Signer;
  /** The cipher suite whose signatures the key makes. */
  readonly suite: SuiteId;
  close(): Promise<void>;
}

/**
 * Opens the key that `tree_head_key` names; undefined where the key in keys.json signs.
 * @throws ConfigurationError
 */
export async function openTreeHeadKey(config: Config, passphrase: string): Promise<ExternalTreeHeadKey | undefined> {
  const location = config.treeHeadKey;
  if (location === undefined) return undefined;
  let opened: OpenedKey;
  try {
    opened = await openKey(location, "tree-head", { passphrase: { value: passphrase } });
  } catch (cause) {
    if (!(cause instanceof SignerError)) throw cause;
    const remedy = "Name one key with object= or id= and give the PIN with pin-source=file:…; see Keys in a token.";
    throw new ConfigurationError([{ field: "tree_head_key", message: cause.message, remedy }], { cause });
  }
  const { key } = opened;
  return {
    signer: treeHeadSigner(key),
    suite: key.algorithm === "Ed25519" ? KT_128_SHA256_Ed25519 : KT_128_SHA256_P256,
    close: () => opened.close(),
  };
}

function treeHeadSigner(key: SigningKey): Signer {
  return {
    publicKey: rawPublicKey(key),
    async sign(message) {
      const signature = await key.sign(message);
      return key.algorithm === "Ed25519" ? signature : fixedWidth(signature);
    },
  };
}

/** DER `ECDSA-Sig-Value` as r ‖ s, 32 bytes each, which KEYTRANS signatures are. */
function fixedWidth(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const digits = der.subarray(at + 2, at + 2 + length);
    const magnitude = digits[0] === 0 ? digits.subarray(1) : digits;
    if (der[at] !== 0x02 || magnitude.length > 32) throw new RangeError("not a signature of P-256");
    raw.set(magnitude, end - magnitude.length);
    at += 2 + length;
  }
  return raw;
}
