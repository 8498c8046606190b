import { Configuration, SearchRequest } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  defaultPolicy,
  type DeviceList,
  deviceListHash,
  encodeDeviceList,
  encodePolicy,
  type EvidenceJudge,
  type EvidenceVerdict,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  GhostDetector,
  type GhostEvent,
  type HeadEvidence,
  judgeFinding,
  parseCertificate,
  preparePolicy,
  type SightedLeaf,
  sightX509,
  tbsCertificateHash,
  toBase64Url,
} from "@mls-as/mls-credentials";
import { decode, encode } from "@mls-as/tls-codec";
import { beforeAll, describe, expect, test } from "vitest";
import { type ExampleCa, exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import {
  ALICE,
  DAY,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  PHONE,
  recordOf,
  START as T,
} from "../conformance/example-devices.js";
import { ProvenLog } from "./proven-log.js";

const BOB = "mimi://example.org/u/bob";
const BOB_PHONE = "mimi://example.org/d/bob/phone";
const TABLET = "mimi://example.org/d/alice/tablet";
const keys = {
  phone: exampleKey("phone"),
  laptop: exampleKey("laptop"),
  tablet: exampleKey("tablet"),
  bob: exampleKey("bob"),
};

let root: ExampleCa;
let issuer: ExampleCa;
let log: ProvenLog;
let judge: EvidenceJudge;
const seen = new Map<FindingKind, EvidenceVerdict["standing"]>();

beforeAll(async () => {
  root = await exampleRoot();
  issuer = await exampleIssuer(root);
});

/** A fresh log, and a judge who trusts it and the CA. */
async function openLog(): Promise<void> {
  log = await ProvenLog.create();
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(log.logId) } };
  judge = {
    policy: preparePolicy(encodePolicy(defaultPolicy(domains))),
    provider: nodeProvider,
    suite: (id) => nodeSuite(id as 1 | 2),
  };
  await log.heartbeat(T - DAY);
}

interface Issued {
  readonly client: string;
  readonly key: ExampleKey;
  readonly chain: readonly Uint8Array[];
  readonly user: string;
}

async function issue(client: string, key: ExampleKey, user = ALICE, notBefore = T): Promise<Issued> {
  const leaf = await exampleLeaf({ serial: `${client} ${notBefore}`, issuer, key, names: [user, client], notBefore });
  return { client, key, chain: [leaf, issuer.certificate], user };
}

const recordFor = ({ chain, key }: Issued, more: Partial<Parameters<typeof recordOf>[0]> = {}) => ({
  ...recordOf({ certificate: "", key, notBefore: T, ...more }),
  tbsCertificateHash: tbsCertificateHash(parseCertificate(chain[0] as Uint8Array)),
});

const sighted = (leafIndex: number, { chain, key, user }: Issued, more: Partial<SightedLeaf> = {}): SightedLeaf => ({
  ...sightX509(chain, key.publicKey, user),
  leafIndex,
  source: "key_package",
  ...more,
});

const listOf = (version: number, devices: DeviceList["devices"], before?: DeviceList, user = ALICE): DeviceList => ({
  format: 1,
  identity: user,
  version,
  previousHash: before === undefined ? new Uint8Array(32) : deviceListHash(encodeDeviceList(before)),
  origin: version === 0 ? "enrolment" : "deviceApproval",
  devices,
});

const tree = (at: number, epoch: number, leaves: readonly SightedLeaf[], group = "aa"): GhostEvent => ({
  type: "tree",
  at,
  group,
  epoch,
  current: true,
  leaves,
});

function detectorOf(self = BOB): GhostDetector {
  const own = self === BOB ? { client: BOB_PHONE, key: keys.bob } : { client: PHONE, key: keys.phone };
  return new GhostDetector({
    self,
    ownKeys: [{ client: own.client, spkiHash: own.key.spkiHash }],
    policy: judge.policy.policy,
    provider: nodeProvider,
    logId: log.logId,
  });
}

async function findingOf(detector: GhostDetector, events: readonly GhostEvent[], kind: FindingKind): Promise<Finding> {
  for (const event of events) await detector.observe(event);
  const found = detector.findings().find((each) => each.kind === kind && each.life !== "resolved");
  expect(
    found,
    `${kind} is not among ${detector
      .findings()
      .map((finding) => finding.kind)
      .join(", ")}`,
  ).toBeDefined();
  return found as Finding;
}

async function expectVerdict(
  finding: Finding,
  standing: EvidenceVerdict["standing"],
  assumes?: string[],
): Promise<void> {
  // What an app stores and hands on is JSON.
  const verdict = await judgeFinding(JSON.parse(JSON.stringify(finding)) as Finding, judge);
  expect(verdict).toMatchObject(assumes === undefined ? { standing } : { standing, assumes });
  seen.set(finding.kind, verdict.standing);
}

/** The finding with one hex digit of the given proof's response changed. */
function withDamagedProof(finding: Finding, index = 0): Finding {
  const lists = [...(finding.evidence.lists ?? [])];
  const entry = lists[index];
  if (entry?.proof === undefined) throw new Error("no proof to damage");
  const { response } = entry.proof;
  const digit = response.at(-1) === "0" ? "1" : "0";
  lists[index] = { ...entry, proof: { ...entry.proof, response: response.slice(0, -1) + digit } };
  return { ...finding, evidence: { ...finding.evidence, lists } };
}

describe("what a third party finds in a finding's evidence", () => {
  const phoneOnly = async (): Promise<{ phone: Issued; v0: DeviceList }> => {
    const phone = await issue(PHONE, keys.phone);
    const v0 = listOf(0, [{ client: PHONE, addedAt: BigInt(T), credentials: [recordFor(phone)] }]);
    await log.append(v0, T);
    return { phone, v0 };
  };
  const at = T + 2 * DAY;

  test("UNLOGGED_LEAF: the certificate, and a later signed list without it", async () => {
    await openLog();
    const { phone } = await phoneOnly();
    const ghost = await issue(TABLET, keys.tablet);
    await log.heartbeat(at + DAY + 10);
    const events = [await log.lookup(ALICE, at + DAY + 10)];
    const finding = await findingOf(
      detectorOf(),
      [tree(at, 1, [sighted(0, phone), sighted(1, ghost)]), ...events],
      "UNLOGGED_LEAF",
    );
    expect(finding.life).toBe("confirmed");
    await expectVerdict(finding, "supported", ["sighted"]);
    await expectVerdict(withDamagedProof(finding), "unsupported");
    await expectVerdict({ ...finding, since: at + 2 * DAY }, "unsupported");
    const honest = sightX509(phone.chain, keys.phone.publicKey, ALICE).certificates ?? [];
    await expectVerdict(
      { ...finding, client: PHONE, evidence: { ...finding.evidence, certificates: honest } },
      "unsupported",
    );
    const { proof: _, ...unproven } = finding.evidence.lists?.[0] ?? { version: 0, value: "" };
    await expectVerdict({ ...finding, evidence: { ...finding.evidence, lists: [unproven] } }, "supported", [
      "sighted",
      "served",
    ]);
  });

  test("UNLOGGED_KEY_PACKAGE: as for a leaf", async () => {
    await openLog();
    await phoneOnly();
    const ghost = await issue(TABLET, keys.tablet);
    await log.heartbeat(at + DAY + 10);
    const finding = await findingOf(
      detectorOf(),
      [
        { type: "key-package", at, credential: sightX509(ghost.chain, ghost.key.publicKey, ALICE) },
        await log.lookup(ALICE, at + DAY + 10),
      ],
      "UNLOGGED_KEY_PACKAGE",
    );
    await expectVerdict(finding, "supported", ["sighted"]);
  });

  test("KEY_MISMATCH: proven where the log holds the certificate under another key", async () => {
    await openLog();
    const phone = await issue(PHONE, keys.phone);
    const record = { ...recordFor(phone), spkiHash: keys.tablet.spkiHash };
    await log.append(listOf(0, [{ client: PHONE, addedAt: BigInt(T), credentials: [record] }]), T);
    await log.heartbeat(at);
    const finding = await findingOf(
      detectorOf(),
      [await log.lookup(ALICE, at), tree(at, 1, [sighted(0, phone)])],
      "KEY_MISMATCH",
    );
    await expectVerdict(finding, "proven");
    const otherKey = sighted(0, phone, { keyMatches: false, signatureKey: "00" });
    await expectVerdict(await findingOf(detectorOf(), [tree(at, 1, [otherKey])], "KEY_MISMATCH"), "supported", [
      "sighted",
    ]);
    await expectVerdict({ ...finding, evidence: { ...finding.evidence, lists: [] } }, "unsupported");
  });

  test("REMOVED_DEVICE_PRESENT: the signed list says revoked", async () => {
    await openLog();
    const phone = await issue(PHONE, keys.phone);
    const gone = recordFor(phone, { revokedAt: T + DAY, reason: 1 });
    await log.append(listOf(0, [{ client: PHONE, addedAt: BigInt(T), credentials: [gone] }]), T + DAY);
    const lookup = await log.lookup(ALICE, T + DAY);
    const finding = await findingOf(detectorOf(), [lookup, tree(at, 1, [sighted(0, phone)])], "REMOVED_DEVICE_PRESENT");
    await expectVerdict(finding, "supported", ["sighted"]);
    await expectVerdict({ ...finding, evidence: { lists: finding.evidence.lists ?? [] } }, "unsupported");
  });

  test("SELF_UNKNOWN_IN_LOG and UNAUTHORISED_ENTRY: a device without approval in the next version", async () => {
    await openLog();
    const { phone, v0 } = await phoneOnly();
    const ghost = await issue(TABLET, keys.tablet);
    const first = await log.lookup(ALICE, T);
    const devices = [
      v0.devices[0] as DeviceList["devices"][number],
      { client: TABLET, addedAt: BigInt(at), credentials: [recordFor(ghost)] },
    ];
    await log.append(listOf(1, devices, v0), at);
    const events = [first, await log.lookup(ALICE, at)];
    const detector = detectorOf(ALICE);
    const unknown = await findingOf(detector, events, "SELF_UNKNOWN_IN_LOG");
    await expectVerdict(unknown, "supported", ["not-mine"]);
    await expectVerdict({ ...unknown, client: LAPTOP }, "unsupported");
    const entry = await findingOf(detector, [], "UNAUTHORISED_ENTRY");
    await expectVerdict(entry, "proven");
    // The proof of the version before is not needed: the next one names its hash.
    const [before, after] = entry.evidence.lists ?? [];
    const { proof: _, ...unproven } = before ?? { version: 0, value: "" };
    await expectVerdict({ ...entry, evidence: { lists: [unproven, after ?? unproven] } }, "proven");
    const { proof: __, ...claimed } = after ?? { version: 0, value: "" };
    await expectVerdict({ ...entry, evidence: { lists: [unproven, claimed] } }, "supported", ["served"]);
    await expectVerdict({ ...entry, client: PHONE }, "unsupported");
    await expectVerdict(withDamagedProof(entry, 1), "unsupported");
    expect(phone.client).toBe(PHONE);
  });

  test("UNAUTHORISED_ENTRY: a signed value that is no device list", async () => {
    await openLog();
    const { v0 } = await phoneOnly();
    const first = await log.lookup(ALICE, T);
    await log.append({ user: v0.identity, bytes: Uint8Array.of(0) }, at);
    await expectVerdict(
      await findingOf(detectorOf(), [first, await log.lookup(ALICE, at)], "UNAUTHORISED_ENTRY"),
      "proven",
    );
  });

  test("TRANSIENT_DEVICE: two signed lists", async () => {
    await openLog();
    const { v0 } = await phoneOnly();
    const first = await log.lookup(ALICE, T);
    const ghost = await issue(TABLET, keys.tablet);
    const phone = v0.devices[0] as DeviceList["devices"][number];
    const tablet = (record: ReturnType<typeof recordFor>) => ({
      client: TABLET,
      addedAt: BigInt(at),
      credentials: [record],
    });
    const v1 = listOf(1, [phone, tablet(recordFor(ghost))], v0);
    await log.append(v1, at);
    await log.append(listOf(2, [phone, tablet(recordFor(ghost, { revokedAt: at + 60, reason: 0 }))], v1), at + 60);
    const finding = await findingOf(detectorOf(), [first, await log.lookup(ALICE, at + 60)], "TRANSIENT_DEVICE");
    await expectVerdict(finding, "proven");
    // The version between them needs no proof where the next is proven and names it.
    const [before, after] = finding.evidence.lists ?? [];
    const between = { version: 1, value: Buffer.from(encodeDeviceList(v1)).toString("hex") };
    if (before === undefined || after === undefined) throw new Error("no lists");
    const entry = { ...finding, kind: "UNAUTHORISED_ENTRY" } as const;
    await expectVerdict({ ...entry, evidence: { lists: [before, between, after] } }, "proven");
    const { proof: _, ...claimed } = after;
    await expectVerdict({ ...entry, evidence: { lists: [before, between, claimed] } }, "supported", ["served"]);
    await expectVerdict({ ...finding, evidence: { lists: finding.evidence.lists?.slice(1) ?? [] } }, "unsupported");
  });

  test("VIEW_SPLIT: two signed lists, and two signed heads, of two histories", async () => {
    await openLog();
    const { v0 } = await phoneOnly();
    const fork = await ProvenLog.create("fork");
    await fork.heartbeat(T - DAY);
    await fork.append({ ...v0, origin: "recovery" }, T);
    const lists = await findingOf(
      detectorOf(),
      [await log.lookup(ALICE, T), await fork.lookup(ALICE, T)],
      "VIEW_SPLIT",
    );
    await expectVerdict(lists, "proven");
    await expectVerdict(withDamagedProof(lists, 1), "unsupported");
    const events = [await log.head(ALICE, T, "lookup"), await fork.head(ALICE, T, "gossip")];
    const heads = await findingOf(detectorOf(), events, "VIEW_SPLIT");
    await expectVerdict({ ...heads, user: ALICE }, "proven");
    const [mine, theirs] = heads.evidence.heads ?? [];
    const { signed: _, ...bare } = theirs ?? { position: 0, root: "", source: "" };
    await expectVerdict({ ...heads, evidence: { heads: [mine ?? bare, bare] } }, "supported", ["served"]);
    await expectVerdict({ ...heads, evidence: { heads: [mine ?? bare, mine ?? bare] } }, "unsupported");
    const forged = { ...(theirs ?? bare), root: (mine ?? bare).root.replace(/^../, "00") };
    await expectVerdict({ ...heads, evidence: { heads: [mine ?? bare, forged] } }, "unsupported");
  });

  test("an old list replayed as the greatest version", async () => {
    await openLog();
    const { v0 } = await phoneOnly();
    const phone = v0.devices[0] as DeviceList["devices"][number];
    await log.append(listOf(1, [phone], v0), T + DAY);
    const replaying = await ProvenLog.create("replay");
    await replaying.heartbeat(T - DAY);
    await replaying.append(v0, T);
    await replaying.heartbeat(at);
    const events = [await log.lookup(ALICE, T + DAY), await replaying.lookup(ALICE, at)];
    await expectVerdict(await findingOf(detectorOf(), events, "VIEW_SPLIT"), "proven");
  });

  test("SIGNATURE_KEY_REUSED: two certificates of the CA for one key", async () => {
    await openLog();
    await phoneOnly();
    const [one, two] = [await issue(PHONE, keys.phone), await issue(TABLET, keys.phone)];
    const finding = await findingOf(
      detectorOf(),
      [tree(at, 1, [sighted(0, one)]), tree(at, 1, [sighted(0, two)], "bb")],
      "SIGNATURE_KEY_REUSED",
    );
    await expectVerdict(finding, "proven");
    await expectVerdict(
      { ...finding, evidence: { certificates: finding.evidence.certificates?.slice(0, 2) ?? [] } },
      "supported",
      ["sighted"],
    );
  });

  test("what stands in groups is supported by the certificates", async () => {
    await openLog();
    const { phone } = await phoneOnly();
    const ghost = await issue(TABLET, keys.tablet);
    const laptop = await issue(LAPTOP, keys.laptop);
    const [first, second] = [sighted(0, phone), sighted(0, laptop, { source: "commit" })];
    const successor = await findingOf(detectorOf(), [tree(at, 1, [first]), tree(at, 2, [second])], "INVALID_SUCCESSOR");
    await expectVerdict(successor, "supported", ["sighted"]);
    await expectVerdict({ ...successor, evidence: { certificates: [] } }, "unsupported");
    const conflict = await findingOf(
      detectorOf(),
      [tree(at, 1, [sighted(0, ghost, { reference: BOB })])],
      "IDENTITY_CONFLICT",
    );
    await expectVerdict(conflict, "supported", ["sighted"]);
    await expectVerdict({ ...conflict, user: ALICE }, "unsupported");
    const twins = [sighted(0, phone), sighted(1, await issue(PHONE, keys.laptop))];
    await expectVerdict(await findingOf(detectorOf(), [tree(at, 1, twins)], "DUPLICATE_CLIENT"), "supported");
    const own = await findingOf(detectorOf(ALICE), [tree(at, 1, [sighted(0, ghost)])], "SELF_UNKNOWN_IN_GROUP");
    await expectVerdict(own, "supported", ["sighted", "not-mine"]);
    const late = tree(T + 120 * DAY, 3, [sighted(0, phone)]);
    const expired = await findingOf(detectorOf(), [late], "CREDENTIAL_DEGRADED");
    await expectVerdict(expired, "supported", ["sighted"]);
    await expectVerdict({ ...expired, changedAt: at }, "unsupported");
    const partial = [tree(at, 1, [sighted(0, phone), sighted(1, laptop)]), tree(at, 1, [sighted(0, laptop)], "bb")];
    const present = await findingOf(detectorOf(), [await log.lookup(ALICE, T), ...partial], "PARTIAL_PRESENCE");
    await expectVerdict(present, "supported", ["sighted"]);
    await expectVerdict({ ...present, client: TABLET }, "unsupported");
  });

  test("silence and absence rest on the accuser's word, old lists on the log's", async () => {
    await openLog();
    const { v0 } = await phoneOnly();
    const lookup = await log.lookup(ALICE, T);
    const silent: GhostEvent[] = [lookup, { type: "log-unavailable", at, user: ALICE }];
    const finding = await findingOf(detectorOf(), silent, "EVIDENCE_UNAVAILABLE");
    await expectVerdict(finding, "supported", ["asked"]);
    await expectVerdict({ ...finding, since: T - 2 * DAY }, "unsupported");
    const gone = listOf(1, [], v0);
    await log.append(gone, at);
    const tbs = Buffer.from(v0.devices[0]?.credentials[0]?.tbsCertificateHash ?? []).toString("hex");
    const spkiHash = Buffer.from(keys.phone.spkiHash).toString("hex");
    const own: GhostEvent = {
      type: "own-key",
      at: T,
      client: PHONE,
      spkiHash,
      enrolled: { tbsCertificateHash: tbs, version: 0, notAfter: T + 90 * DAY },
    };
    const missing = await findingOf(
      detectorOf(ALICE),
      [own, lookup, await log.lookup(ALICE, at)],
      "SELF_MISSING_FROM_LOG",
    );
    await expectVerdict(missing, "supported", ["not-mine"]);
    await expectVerdict(
      { ...missing, evidence: { lists: [{ version: 0, value: Buffer.from(encodeDeviceList(v0)).toString("hex") }] } },
      "unsupported",
    );
  });

  test("a proof of another log, or one that rests on an earlier view, convinces nobody", async () => {
    await openLog();
    await phoneOnly();
    const finding = await findingOf(
      detectorOf(),
      [await log.lookup(ALICE, T), { type: "log-unavailable", at, user: ALICE }],
      "EVIDENCE_UNAVAILABLE",
    );
    const stranger = preparePolicy(
      encodePolicy(
        defaultPolicy({
          "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(new Uint8Array(32)) },
        }),
      ),
    );
    expect(await judgeFinding(finding, { ...judge, policy: stranger })).toMatchObject({ standing: "unsupported" });
    expect(await judgeFinding({ ...finding, evidence: { certificates: ["3000"] } }, judge)).toMatchObject({
      standing: "unsupported",
    });
  });

  test("a proof counts for what it proves", async () => {
    await openLog();
    const { phone, v0 } = await phoneOnly();
    const ghost = await issue(TABLET, keys.tablet);
    const since = T + DAY;
    const ghostly = [tree(since, 1, [sighted(0, phone), sighted(1, ghost)])];
    await log.heartbeat(at);
    const unlogged = await findingOf(detectorOf(), [...ghostly, await log.lookup(ALICE, at)], "UNLOGGED_LEAF");
    const entry = unlogged.evidence.lists?.[0];
    if (entry?.proof === undefined) throw new Error("no proof");
    const { proof } = entry;
    const judged = async (lists: NonNullable<Finding["evidence"]["lists"]>, by = judge) => {
      const evidence = { ...unlogged.evidence, lists };
      const verdict = await judgeFinding({ ...unlogged, evidence }, by);
      return verdict.standing === "unsupported" ? verdict.reason : [verdict.standing, ...verdict.assumes].join(" ");
    };
    expect(await judged([entry])).toBe("supported sighted");

    const another = "lists[0].proof: proves another version or value";
    expect(await judged([{ ...entry, version: 1 }])).toBe(another);
    const emptied = Buffer.from(encodeDeviceList({ ...v0, devices: [] })).toString("hex");
    expect(await judged([{ ...entry, value: emptied }])).toBe(another);
    expect(await judged([{ ...entry, version: 1, value: emptied }])).toBe(another);

    const request = decode(SearchRequest, Buffer.from(proof.request, "hex"));
    const asking = (last: number) => Buffer.from(encode(SearchRequest, { ...request, last })).toString("hex");
    expect(await judged([{ ...entry, proof: { ...proof, request: asking(1) } }])).toBe(
      "lists[0].proof: rests on an earlier view, which only its maker can vouch for",
    );
    const nobody = Buffer.from(encode(SearchRequest, { ...request, label: Uint8Array.of(0xff) })).toString("hex");
    expect(await judged([{ ...entry, proof: { ...proof, request: nobody } }])).toMatch(/^lists\[0\]\.proof: identity-/);
    expect(await judged([{ ...entry, proof: { ...proof, response: "00" } }])).toMatch(/^lists\[0\]\.proof: /);
    const domains = {
      "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(new Uint8Array(32)) },
    };
    const stranger = { ...judge, policy: preparePolicy(encodePolicy(defaultPolicy(domains))) };
    expect(await judged([entry], stranger)).toBe("lists[0].proof: not of the log that answers for this user");

    // The accuser shows a version that the log had before, by a proof that says nothing of its time.
    const added = { client: TABLET, addedAt: BigInt(since), credentials: [recordFor(ghost)] };
    await log.append(listOf(1, [...v0.devices, added], v0), at + DAY);
    const { proof: ofOldVersion, value } = await log.lookup(ALICE, at + DAY, 0);
    if (ofOldVersion === undefined) throw new Error("no proof");
    const old = { version: 0, value: Buffer.from(value).toString("hex"), proof: ofOldVersion };
    expect(await judged([old])).toBe("supported sighted served");
    // Another user's list, proven though it is, says nothing of this one.
    const bobs = { client: BOB_PHONE, addedAt: BigInt(since), credentials: [recordFor(phone)] };
    await log.append(listOf(0, [bobs], undefined, BOB), at + DAY);
    const { proof: ofBob, ...bob } = await log.lookup(BOB, at + DAY);
    if (ofBob === undefined) throw new Error("no proof");
    const listOfBob = { version: 0, value: Buffer.from(bob.value).toString("hex"), proof: ofBob };
    expect(await judged([listOfBob])).toBe("no device list");
    const { client: _, ...nobodys } = unlogged;
    for (const kind of ["UNAUTHORISED_ENTRY", "VIEW_SPLIT"] as const)
      expect(await judgeFinding({ ...nobodys, kind, evidence: { lists: [listOfBob] } }, judge)).toEqual({
        standing: "unsupported",
        reason: "the lists, read again, keep the rules",
      });
    // Two proven lists with one key suffice; what other lists come with them does not matter.
    const key = Buffer.from(keys.phone.spkiHash).toString("hex");
    const beside = { version: 0, value: emptied };
    const reused = { ...nobodys, kind: "SIGNATURE_KEY_REUSED", id: `a|b|${key} x`, client: TABLET } as const;
    for (const lists of [
      [entry, listOfBob],
      [beside, entry, listOfBob],
    ])
      expect(await judgeFinding({ ...reused, evidence: { lists } }, judge)).toEqual({
        standing: "proven",
        assumes: [],
      });
    // Shown the newest besides, it contradicts.
    const newest = await log.lookup(ALICE, at + DAY);
    if (newest.proof === undefined) throw new Error("no proof");
    const holding = { version: 1, value: Buffer.from(newest.value).toString("hex"), proof: newest.proof };
    expect(await judged([old, holding])).toBe("the list holds it");
  });

  test("a list is too old to accuse before the log's clock may have reached the sighting", async () => {
    await openLog();
    await phoneOnly();
    await log.heartbeat(at);
    const ghost = await issue(TABLET, keys.tablet);
    const events = [tree(T, 1, [sighted(0, ghost)]), await log.lookup(ALICE, at)];
    const finding = await findingOf(detectorOf(), events, "UNLOGGED_LEAF");
    const { clockSkew } = judge.policy.policy;
    await expectVerdict({ ...finding, since: at - clockSkew }, "supported", ["sighted"]);
    await expectVerdict({ ...finding, since: at - clockSkew + 1 }, "unsupported");
    const silence = { ...finding, kind: "EVIDENCE_UNAVAILABLE" } as const;
    const { evidenceDeadline } = judge.policy.policy;
    await expectVerdict({ ...silence, since: at - evidenceDeadline + 1 }, "supported", ["asked"]);
    await expectVerdict({ ...silence, since: at - evidenceDeadline }, "unsupported");
  });

  test("a signed head counts for its size and root alone", async () => {
    await openLog();
    await phoneOnly();
    const fork = await ProvenLog.create("fork");
    await fork.heartbeat(T - DAY);
    await fork.append(listOf(0, []), T);
    const events = [await log.head(ALICE, T, "lookup"), await fork.head(ALICE, T, "gossip")];
    const finding = { ...(await findingOf(detectorOf(), events, "VIEW_SPLIT")), user: ALICE };
    const [mine, theirs] = finding.evidence.heads ?? [];
    if (mine === undefined || theirs?.signed === undefined) throw new Error("no heads");
    const hex = (configuration: Configuration): string =>
      Buffer.from(encode(Configuration, configuration)).toString("hex");
    const judged = async (...heads: HeadEvidence[]) => {
      const verdict = await judgeFinding({ ...finding, evidence: { heads } }, judge);
      return verdict.standing === "unsupported" ? verdict.reason : [verdict.standing, ...verdict.assumes].join(" ");
    };
    expect(await judged(mine, theirs)).toBe("proven");
    expect(await judged(mine, { ...theirs, position: theirs.position + 1 })).toBe(
      `heads[1].signed: signed for ${theirs.position + 1} entries`,
    );
    expect(await judged(mine, { ...theirs, root: mine.root })).toBe(
      "heads[1].signed: the signature is not over this root",
    );
    const cut = { ...theirs.signed, treeHead: theirs.signed.treeHead.slice(0, -2) };
    expect(await judged(mine, { ...theirs, signed: cut })).toMatch(/^heads\[1\]\.signed: /);
    const other = { ...theirs.signed, configuration: hex({ ...log.configuration, vrfPublicKey: Uint8Array.of(1) }) };
    expect(await judged(mine, { ...theirs, signed: other })).toBe(
      "heads[1].signed: not of the log that answers for this user",
    );
    expect(await judged()).toBe("the lists, read again, keep the rules");
    expect(await judged(mine)).toBe("the heads do not contradict each other");
    // Further heads between them do not hide the two that cannot both be true.
    const elsewhere = { position: 1000, root: "00", source: "gossip" };
    expect(await judged(mine, elsewhere, theirs)).toBe("proven");
  });

  test("every kind of finding was judged", () => {
    expect([...seen.keys()].sort()).toEqual([...FINDING_KINDS].sort());
  });
});
