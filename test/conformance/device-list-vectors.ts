import {
  Continuity,
  CredentialRecord,
  DeviceApproval,
  DeviceApprovalTBS,
  type DeviceList,
  deviceListHash,
  encodeAuthPins,
  encodeDeviceList,
} from "@mls-as/mls-credentials";
import { type Codec, encode } from "@mls-as/tls-codec";
import {
  ALICE,
  approvalOf,
  continuityOf,
  DAY,
  digest,
  exampleKey,
  LAPTOP,
  LOG_ID,
  listOf,
  PHONE,
  recordOf,
  START,
} from "./example-devices.js";
import { hex, toWireJson } from "./wire-json.js";

type Case = Record<string, unknown> & { readonly name: string };
type Files = Readonly<Record<string, { readonly description: string; readonly cases: readonly Case[] }>>;

const phoneKey = exampleKey("phone");
const laptopKey = exampleKey("laptop");
const nextKey = exampleKey("phone, next");

/** Replaces bytes at an offset; every must-fail encoding is a valid one with one thing changed. */
function patched(value: Uint8Array, offset: number, ...octets: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(value);
  copy.set(octets, offset);
  return copy;
}

function spliced(value: Uint8Array, offset: number, remove: number, ...octets: readonly number[]): Uint8Array {
  return Uint8Array.from([...value.subarray(0, offset), ...octets, ...value.subarray(offset + remove)]);
}

function find(value: Uint8Array, part: Uint8Array): number {
  const at = Buffer.from(value).indexOf(Buffer.from(part));
  if (at < 0) throw new Error("not found");
  return at;
}

/** The example history: enrolment, a second device by approval, a renewal with a new key, a revocation, a recovery. */
export async function exampleHistory(): Promise<readonly DeviceList[]> {
  const phone = recordOf({ certificate: "phone 1", key: phoneKey, notBefore: START });
  const first = listOf(0, "enrolment", [{ client: PHONE, addedAt: BigInt(START), credentials: [phone] }]);
  const approval = await approvalOf({
    client: LAPTOP,
    key: laptopKey,
    approver: PHONE,
    approverKey: phoneKey,
    afterVersion: 0,
    expiresAt: START + 2 * DAY,
  });
  const laptop = recordOf({ certificate: "laptop 1", key: laptopKey, notBefore: START + DAY, approval });
  const laptopDevice = { client: LAPTOP, addedAt: BigInt(START + DAY), credentials: [laptop] };
  const phoneDevice = (credentials: CredentialRecord[]) => ({ client: PHONE, addedAt: BigInt(START), credentials });
  const hashOf = (list: DeviceList): Uint8Array => deviceListHash(encodeDeviceList(list));
  const second = listOf(1, "deviceApproval", [laptopDevice, phoneDevice([phone])], hashOf(first));
  const continuity = await continuityOf(PHONE, phoneKey, nextKey);
  const renewed = recordOf({ certificate: "phone 2", key: nextKey, notBefore: START + 30 * DAY, continuity });
  const third = listOf(2, "renewal", [laptopDevice, phoneDevice([phone, renewed])], hashOf(second));
  const lost = recordOf({
    certificate: "laptop 1",
    key: laptopKey,
    notBefore: START + DAY,
    approval,
    revokedAt: START + 40 * DAY,
    reason: 1,
  });
  const revokedLaptop = { ...laptopDevice, credentials: [lost] };
  const fourth = listOf(3, "ownerRevocation", [revokedLaptop, phoneDevice([phone, renewed])], hashOf(third));
  const fifth = listOf(4, "expiry", [phoneDevice([renewed])], hashOf(fourth));
  return [first, second, third, fourth, fifth];
}

const LOGGED_AT = [START, START + DAY, START + 30 * DAY, START + 40 * DAY, START + 200 * DAY];

async function valid(history: readonly DeviceList[]): Promise<Case[]> {
  return history.map((list, version) => {
    const value = encodeDeviceList(list);
    const before = history[version - 1];
    return {
      name: `version ${version}, origin ${String(toWireJson(list.origin, "origin"))}`,
      value: hex(value),
      context: {
        label: ALICE,
        version,
        ...(before === undefined ? {} : { previous: hex(encodeDeviceList(before)) }),
        log_id: hex(LOG_ID),
        logged_at: LOGGED_AT[version],
        retention: 90 * DAY,
      },
      expect: { ok: true, decoded: toWireJson(list), hash: hex(deviceListHash(value)) },
    };
  });
}

async function validParts(history: readonly DeviceList[]): Promise<Case[]> {
  const second = history[1] as DeviceList;
  const laptop = second.devices[0]?.credentials[0] as CredentialRecord;
  const renewed = history[2]?.devices[1]?.credentials[1] as CredentialRecord;
  const lost = history[3]?.devices[0]?.credentials[0] as CredentialRecord;
  const part = <T>(name: string, type: string, codec: Codec<T>, value: T): Case => ({
    name,
    type,
    value: hex(encode(codec, value)),
    expect: { ok: true, decoded: toWireJson(value) },
  });
  const pins = {
    pins: [
      { domain: "example.org", policyDigest: digest("p"), logId: LOG_ID, position: 41n, root: digest("r") },
      {
        domain: "xn--bcher-kva.example",
        policyDigest: digest("q"),
        logId: LOG_ID,
        position: 2n ** 60n,
        root: digest("s"),
      },
    ],
  };
  return [
    part("an approval", "DeviceApproval", DeviceApproval, laptop.approval as DeviceApproval),
    part("what an approval signs", "DeviceApprovalTBS", DeviceApprovalTBS, (laptop.approval as DeviceApproval).tbs),
    part("a continuity", "Continuity", Continuity, renewed.continuity as Continuity),
    part("an active record with approval", "CredentialRecord", CredentialRecord, laptop),
    part("a revoked record", "CredentialRecord", CredentialRecord, lost),
    {
      name: "pins of two domains",
      type: "AuthPins",
      value: hex(encodeAuthPins(pins)),
      expect: { ok: true, decoded: toWireJson(pins) },
    },
  ];
}

function malformed(history: readonly DeviceList[]): Case[] {
  const first = encodeDeviceList(history[0] as DeviceList);
  const second = history[1] as DeviceList;
  const value = encodeDeviceList(second);
  const fourth = encodeDeviceList(history[3] as DeviceList);
  const identityAt = 2;
  const originAt = identityAt + 1 + ALICE.length + 4 + 32;
  const devicesAt = originAt + 1;
  const record = (history[0] as DeviceList).devices[0]?.credentials[0] as CredentialRecord;
  const firstStatusAt = find(first, record.tbsCertificateHash) + 32 + 32 + 16;
  const refuse = (name: string, bytes: Uint8Array, codec: string, path?: string): Case => ({
    name,
    value: hex(bytes),
    context: { label: ALICE, version: 0 },
    expect: { ok: false, code: "malformed", codec, ...(path === undefined ? {} : { path }) },
  });
  const [laptop, phone] = second.devices as [DeviceList["devices"][number], DeviceList["devices"][number]];
  const encodedLaptop = deviceBytes(second, laptop);
  const encodedPhone = deviceBytes(second, phone);
  const rebuilt = (...devices: readonly Uint8Array[]): Uint8Array => {
    const body = Buffer.concat(devices);
    return Uint8Array.from([...value.subarray(0, devicesAt), 0x40 | (body.length >> 8), body.length & 255, ...body]);
  };
  return [
    refuse("empty input", new Uint8Array(0), "truncated", "format"),
    refuse("cut in the middle", value.subarray(0, 90), "truncated"),
    refuse("cut by one byte", value.subarray(0, value.length - 1), "truncated"),
    refuse("one byte too many", Uint8Array.from([...value, 0]), "trailing-bytes"),
    refuse(
      "identity length as a two-byte varint",
      spliced(first, identityAt, 1, 0x40, ALICE.length),
      "non-minimal-varint",
      "identity",
    ),
    refuse(
      "identity length with the reserved varint prefix",
      patched(first, identityAt, 0xc0),
      "non-minimal-varint",
      "identity",
    ),
    refuse("identity with a byte outside ASCII", patched(first, identityAt + 1, 0xc3), "invalid-value", "identity"),
    refuse("origin reserved", patched(first, originAt, 0), "unknown-enum-value", "origin"),
    refuse("origin 8", patched(first, originAt, 8), "unknown-enum-value", "origin"),
    refuse("origin 255", patched(first, originAt, 255), "unknown-enum-value", "origin"),
    refuse(
      "status reserved",
      patched(first, firstStatusAt, 0),
      "unknown-enum-value",
      "devices[0].credentials[0].status",
    ),
    refuse("status 3", patched(first, firstStatusAt, 3), "unknown-enum-value", "devices[0].credentials[0].status"),
    refuse(
      "presence octet 2",
      patched(first, firstStatusAt + 1, 2),
      "invalid-presence-octet",
      "devices[0].credentials[0].approval",
    ),
    refuse("devices out of order", rebuilt(encodedPhone, encodedLaptop), "not-ascending", "devices[1]"),
    refuse("a device twice", rebuilt(encodedLaptop, encodedLaptop), "not-ascending", "devices[1]"),
    refuse("devices shorter than they say", patched(fourth, devicesAt, 0x41, 0x00), "truncated"),
    refuse(
      "devices length in four bytes",
      spliced(value, devicesAt, 2, 0x80, 0, (value.length - devicesAt - 2) >> 8, (value.length - devicesAt - 2) & 255),
      "non-minimal-varint",
      "devices",
    ),
    refuse(
      "credentials out of order",
      swappedCredentials(history[2] as DeviceList),
      "not-ascending",
      "devices[1].credentials[1]",
    ),
  ];
}

/** The encoding of one device, taken from a list that holds only it. */
function deviceBytes(list: DeviceList, device: DeviceList["devices"][number]): Uint8Array {
  const value = encodeDeviceList({ ...list, devices: [device] });
  const headerLength = 2 + 1 + ALICE.length + 4 + 32 + 1;
  const width = (value[headerLength] as number) >> 6 === 0 ? 1 : 2;
  return value.subarray(headerLength + width);
}

/** The phone's two records of version 2 in the wrong order, byte for byte. */
function swappedCredentials(list: DeviceList): Uint8Array {
  const value = encodeDeviceList(list);
  const [older, newer] = (list.devices[1] as DeviceList["devices"][number]).credentials as [
    CredentialRecord,
    CredentialRecord,
  ];
  const a = encode(CredentialRecord, older);
  const b = encode(CredentialRecord, newer);
  const at = find(value, a);
  return Uint8Array.from([...value.subarray(0, at), ...b, ...a, ...value.subarray(at + a.length + b.length)]);
}

async function refused(history: readonly DeviceList[]): Promise<Case[]> {
  const [first, second, third, fourth] = history as [DeviceList, DeviceList, DeviceList, DeviceList];
  const phone = first.devices[0] as DeviceList["devices"][number];
  const record = phone.credentials[0] as CredentialRecord;
  const laptopRecord = second.devices[0]?.credentials[0] as CredentialRecord;
  const bytesOf = encodeDeviceList;
  const refuse = (
    name: string,
    list: DeviceList,
    code: string,
    path: string,
    context: Record<string, unknown> = {},
  ): Case => ({
    name,
    value: hex(bytesOf(list)),
    context: { label: ALICE, version: list.version, log_id: hex(LOG_ID), ...context },
    expect: { ok: false, code, path },
  });
  const withPhone = (change: Partial<CredentialRecord> | Record<string, unknown>): DeviceList => ({
    ...first,
    devices: [{ ...phone, credentials: [{ ...record, ...change } as CredentialRecord] }],
  });
  const withApproval = async (changes: Partial<DeviceApprovalTBS>, sign = phoneKey): Promise<DeviceList> => {
    const approval = await approvalOf({
      client: LAPTOP,
      key: laptopKey,
      approver: PHONE,
      approverKey: sign,
      afterVersion: 0,
      expiresAt: START + 2 * DAY,
      changes: { approverSpki: phoneKey.spki, ...changes },
    });
    const laptop = {
      ...(second.devices[0] as DeviceList["devices"][number]),
      credentials: [{ ...laptopRecord, approval }],
    };
    return { ...second, devices: [laptop, second.devices[1] as DeviceList["devices"][number]] };
  };
  const withContinuity = async (change: (continuity: Continuity) => Continuity): Promise<DeviceList> => {
    const [laptop, both] = third.devices as [DeviceList["devices"][number], DeviceList["devices"][number]];
    const [older, newer] = both.credentials as [CredentialRecord, CredentialRecord];
    const continuity = change(newer.continuity as Continuity);
    return { ...third, devices: [laptop, { ...both, credentials: [older, { ...newer, continuity }] }] };
  };
  const at = "devices[0].credentials[0]";
  const chain = (list: DeviceList, logged: number): Record<string, unknown> => ({
    previous: hex(bytesOf(list)),
    logged_at: logged,
    retention: 90 * DAY,
  });
  const [revokedLaptop, phones] = fourth.devices as [DeviceList["devices"][number], DeviceList["devices"][number]];
  const fifth = (devices: DeviceList["devices"]): DeviceList =>
    listOf(4, "operatorRevocation", devices, deviceListHash(bytesOf(fourth)));
  return [
    refuse("format 2", { ...first, format: 2 }, "unknown-format", "format"),
    refuse("format 0", { ...first, format: 0 }, "unknown-format", "format"),
    refuse("another label", first, "identity-mismatch", "identity", { label: "mimi://example.org/u/bob" }),
    refuse(
      "identity in capitals",
      { ...first, identity: "mimi://Example.org/u/alice" },
      "invalid-identity",
      "identity",
    ),
    refuse("a client as identity", { ...first, identity: PHONE }, "invalid-identity", "identity"),
    refuse("another version", first, "version-mismatch", "version", { version: 1 }),
    refuse(
      "version 0 with a previous hash",
      { ...first, previousHash: digest("x") },
      "previous-hash-mismatch",
      "previous_hash",
    ),
    refuse("another history", second, "previous-hash-mismatch", "previous_hash", { previous_hash: hex(digest("x")) }),
    refuse(
      "a user as client",
      { ...first, devices: [{ ...phone, client: ALICE }] },
      "invalid-client",
      "devices[0].client",
    ),
    refuse(
      "a client with a port",
      { ...first, devices: [{ ...phone, client: "mimi://example.org:1/d/alice/phone" }] },
      "invalid-client",
      "devices[0].client",
    ),
    refuse(
      "another user's device",
      { ...first, devices: [{ ...phone, client: "mimi://example.org/d/bob/phone" }] },
      "client-not-of-identity",
      "devices[0].client",
    ),
    refuse(
      "another domain's device",
      { ...first, devices: [{ ...phone, client: "mimi://example.com/d/alice/phone" }] },
      "client-not-of-identity",
      "devices[0].client",
    ),
    refuse(
      "a device without credentials",
      { ...first, devices: [{ ...phone, credentials: [] }] },
      "empty-device",
      "devices[0].credentials",
    ),
    refuse(
      "not_before after not_after",
      withPhone({ notBefore: record.notAfter + 1n }),
      "validity-reversed",
      `${at}.not_before`,
    ),
    ...[7, 8, 11, 255].map((reason) =>
      refuse(
        `revocation reason ${reason}`,
        withPhone({ status: "revoked", revokedAt: BigInt(START), reason }),
        "invalid-reason",
        `${at}.reason`,
      ),
    ),
    refuse(
      "one certificate twice",
      { ...first, devices: [{ ...phone, credentials: [record, { ...record, notBefore: record.notBefore + 1n }] }] },
      "duplicate-certificate",
      "devices[0].credentials[1].tbs_certificate_hash",
    ),
    refuse(
      "one key for two clients",
      {
        ...first,
        devices: [
          { ...phone, client: LAPTOP },
          { ...phone, credentials: [recordOf({ certificate: "other", key: phoneKey, notBefore: START })] },
        ],
      },
      "key-of-two-clients",
      "devices[1].credentials[0].spki_hash",
    ),
    refuse(
      "an approval for another log",
      await withApproval({ logId: digest("other log") }),
      "wrong-log",
      `${at}.approval.tbs.log_id`,
    ),
    refuse(
      "an approval of another user",
      await withApproval({ identity: "mimi://example.org/u/bob" }),
      "approval-mismatch",
      `${at}.approval.tbs.identity`,
    ),
    refuse(
      "an approval of another client",
      await withApproval({ client: "mimi://example.org/d/alice/tv" }),
      "approval-mismatch",
      `${at}.approval.tbs.client`,
    ),
    refuse(
      "an approval of another key",
      await withApproval({ spkiHash: nextKey.spkiHash }),
      "approval-mismatch",
      `${at}.approval.tbs.spki_hash`,
    ),
    refuse(
      "an approval by another user's device",
      await withApproval({ approver: "mimi://example.org/d/bob/phone" }),
      "approval-mismatch",
      `${at}.approval.tbs.approver`,
    ),
    refuse(
      "an approval by the device itself",
      await withApproval({ approver: LAPTOP }),
      "approval-mismatch",
      `${at}.approval.tbs.approver`,
    ),
    refuse(
      "an approval by the key itself",
      await withApproval({ approverSpki: laptopKey.spki }, laptopKey),
      "approval-mismatch",
      `${at}.approval.tbs.approver_spki`,
    ),
    refuse(
      "an approver key that is no SubjectPublicKeyInfo",
      await withApproval({ approverSpki: phoneKey.publicKey }),
      "invalid-signer-key",
      `${at}.approval.tbs.approver_spki`,
    ),
    refuse(
      "an approver key with trailing bytes",
      await withApproval({ approverSpki: Uint8Array.from([...phoneKey.spki, 0]) }),
      "invalid-signer-key",
      `${at}.approval.tbs.approver_spki`,
    ),
    refuse(
      "a signature scheme that is not the key's",
      await withApproval({ signatureScheme: 0x0403 }),
      "invalid-signer-key",
      `${at}.approval.tbs.signature_scheme`,
    ),
    refuse(
      "an approval after this version",
      await withApproval({ afterVersion: 1 }),
      "approval-from-future",
      `${at}.approval.tbs.after_version`,
    ),
    refuse(
      "an approval that had expired",
      await withApproval({ expiresAt: BigInt(START) }),
      "approval-expired",
      `${at}.approval.tbs.expires_at`,
    ),
    refuse(
      "an approval signed by another key",
      await withApproval({}, nextKey),
      "invalid-signature",
      `${at}.approval.signature`,
    ),
    refuse(
      "a continuity of another client",
      await withContinuity(({ tbs, signature }) => ({ tbs: { ...tbs, client: LAPTOP }, signature })),
      "continuity-mismatch",
      "devices[1].credentials[1].continuity.tbs.client",
    ),
    refuse(
      "a continuity to another key",
      await withContinuity(({ tbs, signature }) => ({ tbs: { ...tbs, newSpkiHash: laptopKey.spkiHash }, signature })),
      "continuity-mismatch",
      "devices[1].credentials[1].continuity.tbs.new_spki_hash",
    ),
    refuse(
      "a continuity with a changed signature",
      await withContinuity(({ tbs, signature }) => ({
        tbs,
        signature: patched(signature, 0, (signature[0] as number) ^ 1),
      })),
      "invalid-signature",
      "devices[1].credentials[1].continuity.signature",
    ),
    refuse(
      "a revoked credential revived",
      fifth([second.devices[0] as DeviceList["devices"][number], phones]),
      "invalid-change",
      "devices[0].credentials[0].status",
      chain(fourth, START + 50 * DAY),
    ),
    refuse(
      "a revoked device dropped early",
      fifth([phones]),
      "invalid-change",
      "devices",
      chain(fourth, START + 50 * DAY),
    ),
    refuse(
      "a revocation backdated",
      fifth([
        {
          ...revokedLaptop,
          credentials: [{ ...revokedLaptop.credentials[0], revokedAt: BigInt(START) } as CredentialRecord],
        },
        phones,
      ]),
      "invalid-change",
      "devices[0].credentials[0].status",
      chain(fourth, START + 50 * DAY),
    ),
    refuse(
      "added_at altered",
      fifth([{ ...revokedLaptop, addedAt: BigInt(START) }, phones]),
      "invalid-change",
      "devices[0].added_at",
      chain(fourth, START + 50 * DAY),
    ),
    refuse(
      "a validity extended",
      fifth([
        revokedLaptop,
        { ...phones, credentials: phones.credentials.map((each) => ({ ...each, notAfter: each.notAfter + 1n })) },
      ]),
      "invalid-change",
      "devices[1].credentials[0]",
      chain(fourth, START + 50 * DAY),
    ),
  ];
}

function malformedParts(): Case[] {
  const pin = (domain: string) => ({
    domain,
    policyDigest: digest("p"),
    logId: LOG_ID,
    position: 1n,
    root: digest("r"),
  });
  const two = encodeAuthPins({ pins: [pin("a.example"), pin("b.example")] });
  const b = find(
    two,
    Uint8Array.from("b.example", (letter) => letter.charCodeAt(0)),
  );
  const refuse = (name: string, value: Uint8Array, codec: string, path: string): Case => ({
    name,
    type: "AuthPins",
    value: hex(value),
    expect: { ok: false, code: "malformed", codec, path },
  });
  return [
    refuse("pins of one domain twice", patched(two, b, 0x61), "not-ascending", "pins[1]"),
    refuse(
      "pins out of order",
      patched(patched(two, b, 0x61), find(two, Uint8Array.of(0x61, 0x2e)), 0x62),
      "not-ascending",
      "pins[1]",
    ),
    refuse("a pin's domain in capitals", patched(two, b, 0x42), "invalid-value", "pins[1].domain"),
  ];
}

/** Every published file, made anew; the same in every run. */
export async function deviceListVectors(): Promise<Files> {
  const history = await exampleHistory();
  return {
    "history.json": {
      description: "The history of a user's device list: each version is valid after the one before.",
      cases: await valid(history),
    },
    "parts.json": {
      description: "Encodings of the parts of a device list and of AuthPins.",
      cases: await validParts(history),
    },
    "must-fail-encoding.json": {
      description: "Encodings that a strict decoder refuses, each a valid one with one thing changed.",
      cases: [...malformed(history), ...malformedParts()],
    },
    "must-fail-meaning.json": {
      description: "Well-formed device lists that must be refused for what they say.",
      cases: await refused(history),
    },
  };
}
