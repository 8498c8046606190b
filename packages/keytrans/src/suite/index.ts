export { vrfInput } from "./commitment.js";
export { SuiteError, type SuiteErrorCode } from "./errors.js";
export { nobleSuite, type SuiteOptions } from "./noble.js";
export {
  HASH_LENGTH,
  type Hash,
  KT_128_SHA256_Ed25519,
  KT_128_SHA256_P256,
  OPENING_LENGTH,
  PRIVATE_KEY_LENGTH,
  type RandomSource,
  type SignaturePublicKey,
  type Signer,
  type Suite,
  type SuiteId,
  type VrfEvaluation,
  type VrfPrivateKey,
  type VrfPublicKey,
} from "./suite.js";
