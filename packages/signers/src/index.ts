export { type GuardOptions, guardSigner, type KeyUse } from "./guarded-signer.js";
export { isPkcs11, type LocationSecrets, type OpenedKey, openKey, openSigner } from "./locations.js";
export { type PassphraseSource, readPassphrase } from "./passphrase.js";
export { type Pkcs11Options, Pkcs11Signer } from "./pkcs11-signer.js";
export { formatPkcs11Uri, type Pkcs11Uri, parsePkcs11Uri, type TokenAttributes } from "./pkcs11-uri.js";
export { algorithmOfPublicKey, ecdsaSigValue, keyId, rawPublicKey, subjectPublicKeyInfo } from "./public-key.js";
export { openSecret, PassphraseKeys, SealError, type SealedSecret, sealSecret } from "./sealed-secret.js";
export {
  KEY_ALGORITHMS,
  KEY_ROLES,
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SignerErrorCode,
  type SigningKey,
} from "./signer.js";
export { openKeyFile, SoftwareSigner } from "./software-signer.js";
