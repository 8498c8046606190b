export type { AlgorithmIdentifier } from "./algorithm-identifier.js";
export { type Certificate, isSelfIssued, parseCertificate, uriNames } from "./certificate.js";
export { CertificateError, type CertificateErrorCode } from "./certificate-error.js";
export {
  type CertificateList,
  type IssuingDistributionPoint,
  parseCertificateList,
  type RevokedEntry,
} from "./certificate-list.js";
export type { Name, NameAttribute } from "./distinguished-name.js";
export type { DistributionPoint, DistributionPointName, ReasonFlag } from "./distribution-point.js";
export type { Extension, KeyUsage, NameConstraints } from "./extensions.js";
export type { GeneralName } from "./general-name.js";
export { checkIssuingCaProfile } from "./issuing-ca-profile.js";
export {
  checkMlsProfile,
  logIdOf,
  type MlsProfileContext,
  mlsNames,
  type ProfileReason,
  type ProfileReasonCode,
  subjectKeyHash,
  tbsCertificateHash,
} from "./mls-profile.js";
export { type OcspResponse, parseOcspResponse, type SingleResponse } from "./ocsp-response.js";
export { IM_URI_KEY_PURPOSE, LOG_ID_EXTENSION } from "./oids.js";
export type { PathInputs, PathLimits, PathResult, RevocationMode } from "./path-inputs.js";
export type { PathReasonCode, Reason as PathReason } from "./path-reason.js";
export { validatePath } from "./path-validation.js";
export type { PolicyInputs } from "./policy-graph.js";
export type { MlsSignatureKey, PublicKey } from "./public-key.js";
export type { SignatureVerifier } from "./signature.js";
export { SignatureMemo } from "./signature-memo.js";
