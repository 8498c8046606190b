export type { AcceptanceBasis, DeviceEvidence, PresentedCredential, ReferenceIdentifier } from "./acceptance-basis.js";
export {
  type GroupBasis,
  type GroupInput,
  type GroupMember,
  type GroupRoster,
  type JudgedCredential,
  type JudgedMembers,
  sightGroup,
  verifyGroup,
} from "./adapters/group.js";
export {
  type BytesFrame,
  type GroupBefore,
  type Preflight,
  preflightAdd,
  preflightJoin,
  preflightRejoin,
} from "./adapters/preflight.js";
export { AUTH_PINS_COMPONENT_ID, AuthPin, AuthPins, decodeAuthPins, encodeAuthPins, pinOf } from "./auth-pins.js";
export {
  PinError,
  type PinErrorCode,
  type PinChangeBasis,
  type PinChangeFault,
  type PinFault,
  type PinKnowledge,
  type PinnedBasis,
  pinChangeFaults,
  pinnedBasis,
  type ProvenHead,
  readAuthPins,
  writeAuthPins,
} from "./pinned-group.js";
export { fromBase64Url, toBase64Url } from "./base64url.js";
export { type LookAlike, lookAlikes } from "./identity/look-alike.js";
export {
  STAPLE_EXTENSION_TYPE,
  type StapleBasis,
  type StapledEvidence,
  StapleError,
  type StapleErrorCode,
  stapleExtension,
  stapleOf,
  verifyStaple,
} from "./staple.js";
export { bytesKey } from "./bytes-key.js";
export * from "./certificate/index.js";
export {
  type LabelledSigner,
  labelledSigner,
  signContinuity,
  signDeviceApproval,
  verifyContinuity,
  verifyDeviceApproval,
  verifyDeviceListSignatures,
} from "./device-approval.js";
export {
  AsciiText,
  ChangeOrigin,
  compareCredentialRecords,
  compareDeviceRecords,
  Continuity,
  ContinuityTBS,
  CredentialRecord,
  CredentialStatus,
  DEVICE_LIST_FORMAT,
  DeviceApproval,
  DeviceApprovalTBS,
  DeviceList,
  DeviceRecord,
  decodeDeviceList,
  deviceListHash,
  encodeDeviceList,
  NO_PREVIOUS_HASH,
  sortDeviceList,
} from "./device-list.js";
export { type ChangeRule, checkDeviceListChange } from "./device-list-change.js";
export { checkDeviceList, type DeviceListContext } from "./device-list-check.js";
export { DeviceListError, type DeviceListErrorCode } from "./device-list-error.js";
export { isDomainName } from "./identity/domain-name.js";
export { IdentityError, type IdentityErrorCode } from "./identity/identity-error.js";
export {
  type ClientIdentity,
  clientUri,
  identityBytes,
  identityFromBytes,
  isClientOf,
  isClientUri,
  isUserUri,
  MAX_IDENTITY_LENGTH,
  parseClientUri,
  parseIdentity,
  parseUserUri,
  sameIdentity,
  type UserIdentity,
  userOfClient,
  userUri,
} from "./identity/identity-uri.js";
export {
  readSubjectPublicKeyInfo,
  type SignatureKey,
  spkiHash,
  writeSubjectPublicKeyInfo,
} from "./subject-public-key-info.js";
export * from "./ghost/index.js";
export {
  type CredentialRelation,
  compareCredentials,
  type SuccessionEvent,
  type SuccessorFault,
  type SuccessorRule,
  successorFault,
  validSuccessor,
} from "./identity/same-client.js";
export { type LocalKnowledge, viewLocally } from "./local-view.js";
export {
  type ClientKey,
  isTrusted,
  type OwnDevices,
  ownDevices,
  readOwnList,
  trustOwn,
  type UnknownCredential,
} from "./own-devices.js";
export {
  type DomainTrust,
  defaultPolicy,
  encodePolicy,
  type Handling,
  policyDigest,
  readPolicy,
  type TransparencyMode,
  type ValidationPolicy,
  type Weakening,
  weakenings,
} from "./policy.js";
export { PolicyError, type PolicyErrorCode } from "./policy-error.js";
export { verifySignedPolicy } from "./policy-signature.js";
export { type PreparedDomain, type PreparedPolicy, preparePolicy } from "./prepared-policy.js";
export {
  activeKeys,
  compareSafetyPayload,
  type SafetyDifference,
  SafetyPayload,
  type SafetyView,
  safetyNumber,
  safetyPayload,
  sameEpochAuthenticator,
  spokenSafetyNumber,
} from "./safety-number.js";
export { sightOther, sightX509 } from "./sighting.js";
export { judgeTransparency, recordOf } from "./transparency.js";
export type {
  Acceptance,
  Basis,
  LocalView,
  Reason,
  ReasonCode,
  Standing,
  Verdict,
  VerifierReasonCode,
} from "./verdict.js";
export { judgeAcceptance, verifyCredential, verifyCredentials } from "./verifier.js";
export { VerifierMemory } from "./verifier-memory.js";
