export { type ApprovalInput, approveDevice } from "./approval.js";
export { buildCertificateRequest, type CertificateRequestInput, type DeviceKey } from "./certificate-request.js";
export { ClientError, type ClientErrorCode } from "./client-error.js";
export { Device, type DeviceOptions, type UsableCredential } from "./device.js";
export { type RequestSigner, reportKeyCompromise, type SignedRequest } from "./device-request.js";
export type { HeldCredential, PendingOperation } from "./device-state.js";
export { policyOf, readDirectory, type ServiceDirectory } from "./directory.js";
export {
  type EnrolmentInput,
  type EnrolmentProof,
  type EnrolmentRequest,
  enrol,
  resumeEnrolment,
} from "./enrolment.js";
export { indexedDbKeyStore } from "./indexed-db-key-store.js";
export type { EnrolledCredential, Enrolment, IssuanceSetting } from "./issuance.js";
export {
  generatePlatformKey,
  type KeyStore,
  labelledSignerOf,
  memoryKeyStore,
  type PlatformKeyPair,
  platformDeviceKey,
} from "./key-store.js";
export { deviceListsOf, type LogClient, type LogClientOptions, openLog, type ProvenList } from "./log-client.js";
export { type LogReader, readAsDevice } from "./log-reader.js";
export { type GossipHead, Monitor, type MonitorOptions, type MonitorReport } from "./monitor.js";
export {
  defaultRenewalWindow,
  type RenewalInput,
  type RenewalWindow,
  readRenewalWindow,
  renew,
  renewalMoment,
  resumeRenewal,
} from "./renewal.js";
export { type RevocationInput, type RevocationOutcome, type RevocationReason, revokeCredential } from "./revocation.js";
export type { ServiceOptions } from "./service-request.js";
export { type Fetch, indexedDbStateStore, memoryStateStore, type StateStore } from "@mls-as/kt-client";
