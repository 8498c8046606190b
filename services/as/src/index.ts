export { type CaKey, type CertificationAuthorities, type IssuingCa, openDevelopmentCa } from "./ca/development-ca.js";
export { type Config, DEFAULT_CONFIG, type EnrolmentPolicy } from "./config.js";
export { PROBLEMS, type ProblemCode } from "./problem.js";
export type { KeyAlgorithm, KeyDescription, KeyRole, Signer, SignerErrorCode, SigningKey } from "./signer/signer.js";
export { SignerError } from "./signer/signer.js";
export { type RunningAs, type StartOptions, startAs } from "./start.js";
export { buildTbsCertificate, type LeafProfile, signCertificate } from "./x509/certificate-profile.js";
