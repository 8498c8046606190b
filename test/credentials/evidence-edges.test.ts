import { nodeSuite } from "@mls-as/keytrans/node";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type CredentialRecord,
  type DeviceList,
  defaultPolicy,
  deviceListHash,
  encodeDeviceList,
  encodePolicy,
  type EvidenceBundle,
  type Finding,
  type FindingKind,
  judgeFinding,
  NO_PREVIOUS_HASH,
  parseCertificate,
  preparePolicy,
  sortDeviceList,
  tbsCertificateHash,
  toBase64Url,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import {
  ALICE,
  approvalOf,
  DAY,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  LOG_ID,
  PHONE,
  recordOf,
  START as T,
} from "../conformance/example-devices.js";

const BOB = "mimi://example.org/u/bob";
const BOB_PHONE = "mimi://example.org/d/bob/phone";
const STRANGER = "mimi://other.example/u/eve";
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

interface Issued {
  readonly client: string;
  readonly key: ExampleKey;
  readonly leaf: string;
  readonly tbs: Uint8Array;
  readonly notAfter: number;
}
type Devices = Readonly<Record<string, readonly CredentialRecord[]>>;

describe("evidence without a proof of the log, rule by rule", async () => {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const issue = async (
    client: string,
    key: ExampleKey,
    user = ALICE,
    serial = client,
    by = issuer,
  ): Promise<Issued> => {
    const leaf = await exampleLeaf({ serial, issuer: by, key, names: [user, client] });
    const certificate = parseCertificate(leaf);
    return { client, key, leaf: hex(leaf), tbs: tbsCertificateHash(certificate), notAfter: certificate.notAfter };
  };
  const keys = { phone: exampleKey("phone"), laptop: exampleKey("laptop"), bob: exampleKey("bob") };
  const phone = await issue(PHONE, keys.phone);
  const phone2 = await issue(PHONE, keys.laptop, ALICE, "phone, rekeyed");
  const laptop = await issue(LAPTOP, keys.laptop);
  const twin = await issue(LAPTOP, keys.phone, ALICE, "laptop with the phone's key");
  const bob = await issue(BOB_PHONE, keys.bob, BOB);
  const stranger = await issue("mimi://other.example/d/eve/phone", keys.phone, STRANGER);
  const otherIssuer = await exampleIssuer(root, "other.example");
  const otherwise = await issue(LAPTOP, keys.phone, ALICE, "by another CA", otherIssuer);
  const CA = hex(issuer.certificate);
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
  const judge = {
    policy: preparePolicy(encodePolicy(defaultPolicy(domains))),
    provider: nodeProvider,
    suite: (id: number) => nodeSuite(id as 1 | 2),
  };

  const record = ({ key, tbs }: Issued, more: Partial<Parameters<typeof recordOf>[0]> = {}): CredentialRecord => ({
    ...recordOf({ certificate: "", key, notBefore: T, ...more }),
    tbsCertificateHash: tbs,
  });
  const encoded = (
    version: number,
    devices: Devices,
    identity = ALICE,
    previousHash = NO_PREVIOUS_HASH,
  ): Uint8Array => {
    const origin: DeviceList["origin"] = "enrolment";
    const entries = Object.entries(devices).map(([client, credentials]) => ({
      client,
      addedAt: BigInt(T),
      credentials: [...credentials],
    }));
    return encodeDeviceList(sortDeviceList({ format: 1, identity, version, previousHash, origin, devices: entries }));
  };
  const listed = (devices: Devices, version = 0, identity = ALICE) => ({
    version,
    value: hex(encoded(version, devices, identity)),
  });
  const certificates = (...issued: readonly Issued[]) => [...issued.map(({ leaf }) => leaf), CA];

  const verdict = async (kind: FindingKind, evidence: EvidenceBundle, more: Partial<Finding> = {}): Promise<string> => {
    const finding: Finding = {
      id: `${kind}|${more.user ?? ALICE}||x`,
      kind,
      severity: "critical",
      life: "suspect",
      user: ALICE,
      since: T,
      changedAt: T,
      detail: "",
      evidence,
      ...more,
    };
    const judged = await judgeFinding(finding, judge);
    if (judged.standing === "unsupported") expect(judged.reason).not.toBe("");
    return [judged.standing, ...("assumes" in judged ? judged.assumes : [])].join(" ");
  };
  const holds = { [PHONE]: [record(phone)] };
  const revoked = { [PHONE]: [record(phone, { revokedAt: T + 1, reason: 1 })] };

  it.each<[string, FindingKind, () => EvidenceBundle, Partial<Finding>, string]>([
    ["nothing", "UNLOGGED_LEAF", () => ({}), {}, "unsupported"],
    ["no list", "UNLOGGED_LEAF", () => ({ certificates: certificates(phone) }), {}, "unsupported"],
    ["no certificate", "UNLOGGED_LEAF", () => ({ lists: [listed(holds)] }), {}, "unsupported"],
    [
      "a list that holds it",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(phone), lists: [listed(holds)] }),
      {},
      "unsupported",
    ],
    [
      "a list that does not",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(laptop), lists: [listed(holds)] }),
      {},
      "supported sighted served",
    ],
    [
      "another user's list",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(laptop), lists: [listed({}, 0, BOB)] }),
      {},
      "unsupported",
    ],
    [
      "a value that is no list",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(laptop), lists: [{ version: 0, value: "00" }] }),
      {},
      "unsupported",
    ],
    [
      "the newest list holds it, an older one does not",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(phone), lists: [listed({}, 1), listed(holds, 2), listed({}, 0)] }),
      {},
      "unsupported",
    ],
    [
      "the newest list does not hold it, an older one does",
      "UNLOGGED_KEY_PACKAGE",
      () => ({ certificates: certificates(phone), lists: [listed(holds, 1), listed({}, 2)] }),
      {},
      "supported sighted served",
    ],
    [
      "of two certificates the one of the client that is accused, which is listed",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(laptop, phone), lists: [listed(holds)] }),
      { client: PHONE },
      "unsupported",
    ],
    [
      "of two certificates the one of the client that is accused, which is not",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(phone, laptop), lists: [listed(holds)] }),
      { client: LAPTOP },
      "supported sighted served",
    ],
    [
      "without an accused client the first",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(phone, laptop), lists: [listed(holds)] }),
      {},
      "unsupported",
    ],
    [
      "without a certificate of that client the first",
      "UNLOGGED_LEAF",
      () => ({ certificates: certificates(phone), lists: [listed(holds)] }),
      { client: LAPTOP },
      "unsupported",
    ],
    [
      "bytes that are no certificate",
      "UNLOGGED_LEAF",
      () => ({ certificates: ["00"], lists: [listed({})] }),
      {},
      "unsupported",
    ],
    ["the CA alone", "UNLOGGED_LEAF", () => ({ certificates: [CA], lists: [listed({})] }), {}, "unsupported"],

    ["nothing", "KEY_MISMATCH", () => ({}), {}, "unsupported"],
    [
      "a leaf with another key",
      "KEY_MISMATCH",
      () => ({ certificates: certificates(phone), signatureKey: hex(keys.laptop.publicKey) }),
      {},
      "supported sighted",
    ],
    [
      "a leaf with its key, logged as it is",
      "KEY_MISMATCH",
      () => ({ certificates: certificates(phone), signatureKey: hex(keys.phone.publicKey), lists: [listed(holds)] }),
      {},
      "unsupported",
    ],
    ["no list", "KEY_MISMATCH", () => ({ certificates: certificates(phone) }), {}, "unsupported"],
    [
      "logged for another client",
      "KEY_MISMATCH",
      () => ({ certificates: certificates(phone), lists: [listed({ [LAPTOP]: [record(phone)] })] }),
      {},
      "supported served",
    ],
    [
      "logged with another key",
      "KEY_MISMATCH",
      () => ({
        certificates: certificates(phone),
        lists: [listed({ [PHONE]: [{ ...record(phone), spkiHash: keys.bob.spkiHash }] })],
      }),
      {},
      "supported served",
    ],
    [
      "not logged, and its client with another key",
      "KEY_MISMATCH",
      () => ({ certificates: certificates(phone2), lists: [listed(holds)] }),
      {},
      "supported sighted served",
    ],
    [
      "not logged, and its client with this key",
      "KEY_MISMATCH",
      () => ({
        certificates: certificates(phone),
        lists: [listed({ [PHONE]: [record({ ...phone, tbs: laptop.tbs })] })],
      }),
      {},
      "unsupported",
    ],
    [
      "not logged, and its client with this key and another",
      "KEY_MISMATCH",
      () => ({
        certificates: certificates(phone),
        lists: [listed({ [PHONE]: [record({ ...phone, tbs: laptop.tbs }), record(phone2)] })],
      }),
      {},
      "unsupported",
    ],
    [
      "not logged, nor its client",
      "KEY_MISMATCH",
      () => ({ certificates: certificates(laptop), lists: [listed(holds)] }),
      {},
      "unsupported",
    ],

    ["no list", "REMOVED_DEVICE_PRESENT", () => ({ certificates: certificates(phone) }), {}, "unsupported"],
    ["no certificate", "REMOVED_DEVICE_PRESENT", () => ({ lists: [listed(revoked)] }), {}, "unsupported"],
    [
      "revoked",
      "REMOVED_DEVICE_PRESENT",
      () => ({ certificates: certificates(phone), lists: [listed(revoked)] }),
      {},
      "supported sighted served",
    ],
    [
      "active",
      "REMOVED_DEVICE_PRESENT",
      () => ({ certificates: certificates(phone), lists: [listed(holds)] }),
      {},
      "unsupported",
    ],
    [
      "not in the list",
      "REMOVED_DEVICE_PRESENT",
      () => ({ certificates: certificates(laptop), lists: [listed(revoked)] }),
      {},
      "unsupported",
    ],

    ["no list", "SELF_UNKNOWN_IN_LOG", () => ({}), { client: PHONE }, "unsupported"],
    [
      "a list with it",
      "SELF_UNKNOWN_IN_LOG",
      () => ({ lists: [listed(holds)] }),
      { client: PHONE },
      "supported not-mine served",
    ],
    ["a list without it", "SELF_UNKNOWN_IN_LOG", () => ({ lists: [listed(holds)] }), { client: LAPTOP }, "unsupported"],
    [
      "a certificate under the name",
      "SELF_UNKNOWN_IN_GROUP",
      () => ({ certificates: certificates(phone) }),
      {},
      "supported sighted not-mine",
    ],
    [
      "a certificate under another",
      "SELF_UNKNOWN_IN_GROUP",
      () => ({ certificates: certificates(bob) }),
      {},
      "unsupported",
    ],
    ["no certificate", "SELF_UNKNOWN_IN_GROUP", () => ({}), {}, "unsupported"],
    ["no list", "SELF_MISSING_FROM_LOG", () => ({}), { id: `a|b|${hex(phone.tbs)}` }, "unsupported"],
    [
      "a list without it",
      "SELF_MISSING_FROM_LOG",
      () => ({ lists: [listed(holds)] }),
      { id: `a|b|${hex(laptop.tbs)}` },
      "supported not-mine served",
    ],
    [
      "a list with it",
      "SELF_MISSING_FROM_LOG",
      () => ({ lists: [listed(holds)] }),
      { id: `a|b|${hex(phone.tbs)}` },
      "unsupported",
    ],

    [
      "an active device",
      "PARTIAL_PRESENCE",
      () => ({ lists: [listed(holds)] }),
      { client: PHONE },
      "supported sighted served",
    ],
    [
      "a device with a revoked and an active certificate",
      "PARTIAL_PRESENCE",
      () => ({ lists: [listed({ [PHONE]: [...revoked[PHONE], record(phone2)] })] }),
      { client: PHONE },
      "supported sighted served",
    ],
    ["a revoked one", "PARTIAL_PRESENCE", () => ({ lists: [listed(revoked)] }), { client: PHONE }, "unsupported"],
    ["another one", "PARTIAL_PRESENCE", () => ({ lists: [listed(holds)] }), { client: LAPTOP }, "unsupported"],
    ["no list", "PARTIAL_PRESENCE", () => ({}), { client: PHONE }, "unsupported"],
    [
      "its certificate",
      "DUPLICATE_CLIENT",
      () => ({ certificates: certificates(phone) }),
      { client: PHONE },
      "supported sighted",
    ],
    [
      "its certificate and another's",
      "DUPLICATE_CLIENT",
      () => ({ certificates: certificates(laptop, phone) }),
      { client: PHONE },
      "supported sighted",
    ],
    ["another's", "DUPLICATE_CLIENT", () => ({ certificates: certificates(laptop) }), { client: PHONE }, "unsupported"],
    [
      "another's certificate",
      "IDENTITY_CONFLICT",
      () => ({ certificates: certificates(bob) }),
      {},
      "supported sighted",
    ],
    ["one's own", "IDENTITY_CONFLICT", () => ({ certificates: certificates(bob, phone) }), {}, "unsupported"],
    ["silence", "EVIDENCE_UNAVAILABLE", () => ({}), {}, "supported asked"],
    ["silence after a list", "EVIDENCE_UNAVAILABLE", () => ({ lists: [listed(holds)] }), {}, "supported asked"],
    ["no certificate", "CREDENTIAL_DEGRADED", () => ({}), {}, "supported sighted"],
    ["no certificate, expired", "CREDENTIAL_DEGRADED", () => ({}), { id: "a|expired x" }, "supported sighted"],
    [
      "a certificate of a domain without anchors",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(phone, stranger) }),
      { client: PHONE },
      "supported sighted",
    ],
    [
      "a list of a user whose domain has no log",
      "UNAUTHORISED_ENTRY",
      () => ({ lists: [listed({}, 0, STRANGER)] }),
      { user: STRANGER },
      "unsupported",
    ],
    [
      "a certificate that had expired",
      "CREDENTIAL_DEGRADED",
      () => ({ certificates: certificates(phone) }),
      { id: `a|expired x`, changedAt: phone.notAfter },
      "supported sighted",
    ],
    [
      "a certificate that had not",
      "CREDENTIAL_DEGRADED",
      () => ({ certificates: certificates(phone) }),
      { id: `a|expired x`, changedAt: phone.notAfter - 1 },
      "unsupported",
    ],
    [
      "a certificate, where expiry is not the matter",
      "CREDENTIAL_DEGRADED",
      () => ({ certificates: certificates(phone) }),
      { id: `a|stayed x`, changedAt: 0 },
      "supported sighted",
    ],

    [
      "another client",
      "INVALID_SUCCESSOR",
      () => ({ certificates: certificates(phone, laptop) }),
      { client: LAPTOP },
      "supported sighted",
    ],
    [
      "another key of the client",
      "INVALID_SUCCESSOR",
      () => ({ certificates: certificates(phone, phone2) }),
      { client: PHONE },
      "supported sighted",
    ],
    [
      "the same twice",
      "INVALID_SUCCESSOR",
      () => ({ certificates: certificates(phone, phone) }),
      { client: PHONE },
      "unsupported",
    ],
    [
      "others alone",
      "INVALID_SUCCESSOR",
      () => ({ certificates: certificates(phone, bob) }),
      { client: LAPTOP },
      "unsupported",
    ],

    [
      "two certificates of the CA",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(phone, twin) }),
      { client: LAPTOP },
      "proven",
    ],
    [
      "two certificates, whose CA is not shown",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: [phone.leaf, twin.leaf] }),
      { client: LAPTOP },
      "supported sighted",
    ],
    [
      "two certificates of one client",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(laptop, laptop) }),
      { client: LAPTOP },
      "supported sighted",
    ],
    [
      "two certificates with a key each",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(phone, laptop) }),
      { client: LAPTOP },
      "supported sighted",
    ],
    [
      "a certificate, and a list with the key under another client",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(twin), lists: [listed(holds)] }),
      { client: LAPTOP },
      "supported served",
    ],
    [
      "the same, whose CA is not shown",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: [twin.leaf], lists: [listed(holds)] }),
      { client: LAPTOP },
      "supported sighted served",
    ],
    [
      "lists alone",
      "SIGNATURE_KEY_REUSED",
      () => ({
        lists: [listed(holds), listed({ [BOB_PHONE]: [{ ...record(bob), spkiHash: keys.phone.spkiHash }] }, 0, BOB)],
      }),
      { id: `a|b|${hex(keys.phone.spkiHash)} ${BOB_PHONE}`, client: BOB_PHONE },
      "supported served",
    ],
    [
      "a value that is no list",
      "SIGNATURE_KEY_REUSED",
      () => ({ lists: [{ version: 0, value: "00" }] }),
      { id: `a|b|${hex(keys.phone.spkiHash)} ${PHONE}`, client: BOB_PHONE },
      "unsupported",
    ],
    [
      "another's certificate before the two",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(bob, phone, twin) }),
      { client: LAPTOP },
      "proven",
    ],
    [
      "two certificates, one of another CA",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(phone, otherwise) }),
      { client: LAPTOP },
      "supported sighted",
    ],
    [
      "two certificates, the accused one of another CA",
      "SIGNATURE_KEY_REUSED",
      () => ({ certificates: certificates(otherwise, phone) }),
      { client: PHONE },
      "supported sighted",
    ],
    [
      "one list",
      "SIGNATURE_KEY_REUSED",
      () => ({ lists: [listed(holds)] }),
      { id: `a|b|${hex(keys.phone.spkiHash)} ${PHONE}`, client: BOB_PHONE },
      "unsupported",
    ],

    ["nothing", "VIEW_SPLIT", () => ({}), {}, "unsupported"],
    ["two roots for one size", "VIEW_SPLIT", () => ({ heads: [head(7, "aa"), head(7, "bb")] }), {}, "supported served"],
    ["one root", "VIEW_SPLIT", () => ({ heads: [head(7, "aa"), head(7, "aa")] }), {}, "unsupported"],
    ["two sizes", "VIEW_SPLIT", () => ({ heads: [head(7, "aa"), head(8, "bb")] }), {}, "unsupported"],
    ["one head", "VIEW_SPLIT", () => ({ heads: [head(7, "aa")] }), {}, "unsupported"],
    [
      "a third head that contradicts the first",
      "VIEW_SPLIT",
      () => ({ heads: [head(7, "aa"), head(8, "aa"), head(7, "cc")] }),
      {},
      "supported served",
    ],
  ])("%s (%s)", async (_, kind, evidence, more, expected) => {
    expect(await verdict(kind, evidence(), more)).toBe(expected);
  });

  function head(position: number, treeRoot: string) {
    return { position, root: treeRoot, source: "gossip" };
  }

  it("lists are read again in the order given, as the detector read them", async () => {
    const zero = encoded(0, holds);
    const approver = { approver: PHONE, approverKey: keys.phone, afterVersion: 0, expiresAt: T + DAY };
    const approval = await approvalOf({ client: LAPTOP, key: keys.laptop, ...approver });
    const next = (devices: Devices, version = 1, before = zero) => ({
      version,
      value: hex(encoded(version, { ...holds, ...devices }, ALICE, deviceListHash(before))),
    });
    const first = { version: 0, value: hex(zero) };
    const added = { [LAPTOP]: [record(laptop)] };
    const read = (lists: EvidenceBundle["lists"], kind: FindingKind, client?: string) =>
      verdict(kind, lists === undefined ? {} : { lists }, client === undefined ? {} : { client });
    expect(await read([first, next(added)], "UNAUTHORISED_ENTRY", LAPTOP)).toBe("supported served");
    expect(await read([first, next(added)], "UNAUTHORISED_ENTRY", PHONE)).toBe("unsupported");
    expect(await read([first, next(added)], "TRANSIENT_DEVICE", LAPTOP)).toBe("unsupported");
    expect(await read([next(added), first], "UNAUTHORISED_ENTRY", LAPTOP)).toBe("unsupported");
    expect(await read([first], "UNAUTHORISED_ENTRY", LAPTOP)).toBe("unsupported");
    const approved = { [LAPTOP]: [{ ...record(laptop), approval }] };
    expect(await read([first, next(approved)], "UNAUTHORISED_ENTRY", LAPTOP)).toBe("unsupported");
    const gone = { [LAPTOP]: [record(laptop, { revokedAt: T + 1, reason: 1 })] };
    expect(await read([first, next(gone)], "TRANSIENT_DEVICE", LAPTOP)).toBe("supported served");
    // Two values of one version, and a version that was said to be the newest after a newer one.
    expect(await read([first, listed(added)], "VIEW_SPLIT")).toBe("supported served");
    expect(await read([next({}), first], "VIEW_SPLIT")).toBe("supported served");
    expect(await read([first, next({})], "VIEW_SPLIT")).toBe("unsupported");
    // An approval for another log convinces nobody who knows the user's.
    const elsewhere = await approvalOf({
      client: LAPTOP,
      key: keys.laptop,
      ...approver,
      changes: { logId: keys.bob.spkiHash },
    });
    expect(
      await read([first, next({ [LAPTOP]: [{ ...record(laptop), approval: elsewhere }] })], "UNAUTHORISED_ENTRY"),
    ).toBe("supported served");
  });
});
