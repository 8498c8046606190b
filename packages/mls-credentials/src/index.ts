export { AUTH_PINS_COMPONENT_ID, AuthPin, AuthPins, decodeAuthPins, encodeAuthPins, pinOf } from "./auth-pins.js";
export { bytesKey } from "./bytes-key.js";
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
