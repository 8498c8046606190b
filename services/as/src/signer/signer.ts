export {
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SignerErrorCode,
  type SigningKey,
} from "@mls-as/signers";
