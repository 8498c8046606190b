export { type CaKey, type CertificationAuthorities, type IssuingCa, openDevelopmentCa } from "./ca/development-ca.js";
export { type Config, DEFAULT_CONFIG, type EnrolmentPolicy } from "./config.js";
export { PROBLEMS, type ProblemCode } from "./problem.js";
export {
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SignerErrorCode,
  type SigningKey,
} from "@mls-as/signers";
export { type RunningAs, type StartOptions, startAs } from "./start.js";
export { buildTbsCertificate, type LeafProfile, signCertificate } from "./x509/certificate-profile.js";
