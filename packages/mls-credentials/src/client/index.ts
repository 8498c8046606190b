export { type ApprovalInput, approveDevice } from "./approval.js";
export { buildCertificateRequest, type CertificateRequestInput, type DeviceKey } from "./certificate-request.js";
export { ClientError, type ClientErrorCode } from "./client-error.js";
export { policyOf, readDirectory, type ServiceDirectory } from "./directory.js";
export {
  type EnrolledCredential,
  type Enrolment,
  type EnrolmentInput,
  type EnrolmentProof,
  type EnrolmentRequest,
  enrol,
  resumeEnrolment,
} from "./enrolment.js";
export { type LogClient, type LogClientOptions, openLog, type ProvenList } from "./log-client.js";
export type { Fetch } from "./service-request.js";
