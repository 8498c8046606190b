import {
  ascending,
  bytes,
  CodecError,
  type Codec,
  compareBytes,
  decode,
  encode,
  enumeration,
  type Infer,
  opaqueV,
  optional,
  sequence,
  struct,
  tagged,
  uint16,
  uint32,
  uint64,
  uint8,
  vectorV,
} from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";

const octetString = opaqueV();

/** `opaque name<V>` that holds an identity URI or a domain; presented as a string. Anything but ASCII is refused. */
export const AsciiText: Codec<string> = {
  minSize: octetString.minSize,
  write(writer, text) {
    const octets = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) octets[i] = Math.min(0x80, text.charCodeAt(i));
    requireAscii(octets, writer.length);
    octetString.write(writer, octets);
  },
  read(reader) {
    const start = reader.offset;
    const octets = octetString.read(reader);
    requireAscii(octets, start);
    let text = "";
    for (const octet of octets) text += String.fromCharCode(octet);
    return text;
  },
};

function requireAscii(octets: Uint8Array, offset: number): void {
  if (octets.some((octet) => octet >= 0x80)) throw new CodecError("invalid-value", "not ASCII", offset);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** How a credential stands in a device list. */
export const CredentialStatus = enumeration(uint8, { active: 1, revoked: 2 });
export type CredentialStatus = Infer<typeof CredentialStatus>;

/** What a device signs to vouch for another device of the same user. Times are seconds since 1970. */
export const DeviceApprovalTBS = struct({
  logId: bytes(32),
  identity: AsciiText,
  client: AsciiText,
  spkiHash: bytes(32),
  approver: AsciiText,
  approverSpki: opaqueV(),
  signatureScheme: uint16,
  afterVersion: uint32,
  expiresAt: uint64,
});
export type DeviceApprovalTBS = Infer<typeof DeviceApprovalTBS>;

export const DeviceApproval = struct({ tbs: DeviceApprovalTBS, signature: opaqueV() });
export type DeviceApproval = Infer<typeof DeviceApproval>;

/** What a device's previous key signs to vouch for its next key. */
export const ContinuityTBS = struct({
  logId: bytes(32),
  client: AsciiText,
  oldSpki: opaqueV(),
  newSpkiHash: bytes(32),
  signatureScheme: uint16,
});
export type ContinuityTBS = Infer<typeof ContinuityTBS>;

export const Continuity = struct({ tbs: ContinuityTBS, signature: opaqueV() });
export type Continuity = Infer<typeof Continuity>;

/** One certificate of a device. `revokedAt` (seconds) and `reason` (CRLReason of RFC 5280) exist only when revoked. */
export const CredentialRecord = sequence(
  struct({ tbsCertificateHash: bytes(32), spkiHash: bytes(32), notBefore: uint64, notAfter: uint64 }),
  tagged("status", CredentialStatus, {
    active: struct({}),
    revoked: struct({ revokedAt: uint64, reason: uint8 }),
  }),
  struct({ approval: optional(DeviceApproval), continuity: optional(Continuity) }),
);
export type CredentialRecord = Infer<typeof CredentialRecord>;

/** The order of `DeviceRecord.credentials`: by `not_before`, then by `tbs_certificate_hash`. */
export function compareCredentialRecords(a: CredentialRecord, b: CredentialRecord): number {
  if (a.notBefore !== b.notBefore) return a.notBefore < b.notBefore ? -1 : 1;
  return compareBytes(a.tbsCertificateHash, b.tbsCertificateHash);
}

/** A device with its certificates, ascending. `addedAt` in seconds. */
export const DeviceRecord = struct({
  client: AsciiText,
  addedAt: uint64,
  credentials: ascending(vectorV(CredentialRecord), compareCredentialRecords),
});
export type DeviceRecord = Infer<typeof DeviceRecord>;

/** The order of `DeviceList.devices`: by client URI, byte-wise. */
export function compareDeviceRecords(a: DeviceRecord, b: DeviceRecord): number {
  return compareText(a.client, b.client);
}

/** What the operator says caused a version. Its word only. */
export const ChangeOrigin = enumeration(uint8, {
  enrolment: 1,
  deviceApproval: 2,
  renewal: 3,
  ownerRevocation: 4,
  operatorRevocation: 5,
  recovery: 6,
  expiry: 7,
});
export type ChangeOrigin = Infer<typeof ChangeOrigin>;

/** The only `DeviceList.format`. */
export const DEVICE_LIST_FORMAT = 1;

/** The value logged under a user's label: every device and every unexpired credential of that user. */
export const DeviceList = struct({
  format: uint16,
  identity: AsciiText,
  version: uint32,
  previousHash: bytes(32),
  origin: ChangeOrigin,
  devices: ascending(vectorV(DeviceRecord), compareDeviceRecords),
});
export type DeviceList = Infer<typeof DeviceList>;

/** `previous_hash` of version 0. */
export const NO_PREVIOUS_HASH: Uint8Array = new Uint8Array(32);

/** @throws CodecError when a value does not fit or a set is not sorted. */
export function encodeDeviceList(list: DeviceList): Uint8Array {
  return encode(DeviceList, list);
}

/** Decodes the bytes only; {@link checkDeviceList} also judges what they say. @throws CodecError */
export function decodeDeviceList(value: Uint8Array): DeviceList {
  return decode(DeviceList, value);
}

/** SHA-256 of an encoded device list, the next version's `previous_hash`. */
export function deviceListHash(value: Uint8Array): Uint8Array {
  return sha256(value);
}

/** The same list with its sets in wire order, for those who build one. Duplicates stay and are refused by the encoder. */
export function sortDeviceList(list: DeviceList): DeviceList {
  const devices = list.devices.map((device) => ({
    ...device,
    credentials: [...device.credentials].sort(compareCredentialRecords),
  }));
  return { ...list, devices: devices.sort(compareDeviceRecords) };
}
