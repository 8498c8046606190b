import { encode } from "@mls-as/tls-codec";
import { type LabelledSigner, signDeviceApproval } from "../device-approval.js";
import { DeviceApproval } from "../device-list.js";
import { userOfClient } from "../identity/identity-uri.js";
import { readSubjectPublicKeyInfo, spkiHash } from "../subject-public-key-info.js";
import { ClientError } from "./client-error.js";

/** What an approving device knows of the device it vouches for. */
export interface ApprovalInput {
  readonly logId: Uint8Array;
  /** Client URI and DER SubjectPublicKeyInfo of the new device, as shown or scanned on the approving one. */
  readonly client: string;
  readonly subjectPublicKeyInfo: Uint8Array;
  /** This device: its client URI and its own logged key. */
  readonly approver: string;
  readonly approverSubjectPublicKeyInfo: Uint8Array;
  readonly sign: LabelledSigner;
  /** The greatest version of the user's device list that this device has verified. */
  readonly afterVersion: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Makes the encoded `DeviceApproval` that the new device enrols with. @throws ClientError, IdentityError */
export async function approveDevice(input: ApprovalInput): Promise<Uint8Array> {
  const key = readSubjectPublicKeyInfo(input.approverSubjectPublicKeyInfo);
  if (key === undefined) throw new ClientError("unsupported-key", "approverSubjectPublicKeyInfo", "no supported key");
  const identity = userOfClient(input.approver);
  if (userOfClient(input.client) !== identity)
    throw new ClientError("wrong-certificate", "client", "a device of another user cannot be approved");
  const approval = await signDeviceApproval(input.sign, {
    logId: input.logId,
    identity,
    client: input.client,
    spkiHash: spkiHash(input.subjectPublicKeyInfo),
    approver: input.approver,
    approverSpki: input.approverSubjectPublicKeyInfo,
    signatureScheme: key.scheme,
    afterVersion: input.afterVersion,
    expiresAt: BigInt(input.expiresAt),
  });
  return encode(DeviceApproval, approval);
}
