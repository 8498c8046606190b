import { type CryptoProvider, signWithLabel, verifyWithLabel } from "@mls-as/mls-core";
import { encode } from "@mls-as/tls-codec";
import {
  type Continuity,
  ContinuityTBS,
  type DeviceApproval,
  DeviceApprovalTBS,
  type DeviceList,
} from "./device-list.js";
import { DeviceListError } from "./device-list-error.js";
import { readSubjectPublicKeyInfo } from "./subject-public-key-info.js";

/** Signs with a private key that stays where it is. `content` is what SignWithLabel takes, the label already bound. */
export type LabelledSigner = (label: string, content: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A {@link LabelledSigner} over a private key in memory. `scheme` is a TLS SignatureScheme. */
export function labelledSigner(provider: CryptoProvider, scheme: number, privateKey: Uint8Array): LabelledSigner {
  return (label, content) => signWithLabel(provider, scheme, privateKey, label, content);
}

const APPROVAL_LABEL = "DeviceApproval";
const CONTINUITY_LABEL = "DeviceContinuity";

/** Vouches for another device of the same user: SignWithLabel(., "DeviceApproval", tbs). */
export async function signDeviceApproval(sign: LabelledSigner, tbs: DeviceApprovalTBS): Promise<DeviceApproval> {
  return { tbs, signature: await sign(APPROVAL_LABEL, encode(DeviceApprovalTBS, tbs)) };
}

/** Vouches for this device's next key: SignWithLabel(., "DeviceContinuity", tbs), by the previous key. */
export async function signContinuity(sign: LabelledSigner, tbs: ContinuityTBS): Promise<Continuity> {
  return { tbs, signature: await sign(CONTINUITY_LABEL, encode(ContinuityTBS, tbs)) };
}

/** Whether the approval is signed by the key it names. Says nothing about that key's standing. */
export async function verifyDeviceApproval(provider: CryptoProvider, approval: DeviceApproval): Promise<boolean> {
  const { tbs, signature } = approval;
  const content = encode(DeviceApprovalTBS, tbs);
  return verifyBySpki(provider, tbs.approverSpki, tbs.signatureScheme, APPROVAL_LABEL, content, signature);
}

/** Whether the continuity is signed by the old key it names. Says nothing about that key's standing. */
export async function verifyContinuity(provider: CryptoProvider, continuity: Continuity): Promise<boolean> {
  const { tbs, signature } = continuity;
  const content = encode(ContinuityTBS, tbs);
  return verifyBySpki(provider, tbs.oldSpki, tbs.signatureScheme, CONTINUITY_LABEL, content, signature);
}

async function verifyBySpki(
  provider: CryptoProvider,
  spki: Uint8Array,
  scheme: number,
  label: string,
  content: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = readSubjectPublicKeyInfo(spki);
  if (key === undefined || key.scheme !== scheme) return false;
  return await verifyWithLabel(provider, scheme, key.publicKey, label, content, signature);
}

/** Verifies every approval and continuity in a list that `checkDeviceList` accepted. @throws DeviceListError */
export async function verifyDeviceListSignatures(provider: CryptoProvider, list: DeviceList): Promise<void> {
  for (const [i, device] of list.devices.entries())
    for (const [j, { approval, continuity }] of device.credentials.entries()) {
      const path = `devices[${i}].credentials[${j}]`;
      if (approval !== undefined && !(await verifyDeviceApproval(provider, approval)))
        throw new DeviceListError("invalid-signature", `${path}.approval.signature`, "not by the approver's key");
      if (continuity !== undefined && !(await verifyContinuity(provider, continuity)))
        throw new DeviceListError("invalid-signature", `${path}.continuity.signature`, "not by the old key");
    }
}
