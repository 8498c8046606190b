import {
  type CredentialRecord,
  type DeviceList,
  encodeDeviceList,
  parseCertificate,
  sortDeviceList,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
} from "@mls-as/mls-credentials";
import { exampleIssuer, exampleLeaf, exampleRoot, type LeafOf } from "./example-certificates.js";
import {
  ALICE,
  DAY,
  digest,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  LOG_ID,
  listOf,
  PHONE,
  START,
} from "./example-devices.js";
import type { VerdictCase } from "./verdict.js";
import { hex } from "./wire-json.js";

const phoneKey = exampleKey("phone");
const laptopKey = exampleKey("laptop");
const NOW = START + 10 * DAY;

function recordFor(
  leaf: Uint8Array,
  change: Partial<CredentialRecord> | Record<string, unknown> = {},
): CredentialRecord {
  const certificate = parseCertificate(leaf);
  const key = { spkiHash: digestOf(certificate.spki) };
  return {
    tbsCertificateHash: tbsCertificateHash(certificate),
    ...key,
    notBefore: BigInt(certificate.notBefore),
    notAfter: BigInt(certificate.notAfter),
    status: "active",
    approval: undefined,
    continuity: undefined,
    ...change,
  } as CredentialRecord;
}

function digestOf(spki: Uint8Array): Uint8Array {
  const key = [phoneKey, laptopKey, exampleKey("tablet")].find((each) => hex(each.spki) === hex(spki));
  if (key === undefined) throw new Error("unknown example key");
  return key.spkiHash;
}

const listWith = (...devices: readonly (readonly [string, readonly CredentialRecord[]])[]): DeviceList =>
  sortDeviceList(
    listOf(
      0,
      "enrolment",
      devices.map(([client, credentials]) => ({ client, addedAt: BigInt(START), credentials })),
    ),
  );

interface Given {
  readonly leaf: Uint8Array;
  readonly chain?: readonly Uint8Array[];
  readonly key?: Uint8Array;
  readonly list?: DeviceList;
  readonly change?: Partial<VerdictCase>;
  readonly evidence?: Partial<NonNullable<VerdictCase["devices"]>>;
}

/** The published cases, made anew; the same in every run. */
export async function verdictVectors(): Promise<{
  description: string;
  policy: Partial<ValidationPolicy>;
  cases: VerdictCase[];
}> {
  const root = await exampleRoot();
  const stranger = await exampleRoot("Another Root");
  const issuer = await exampleIssuer(root);
  const expiredIssuer = await exampleIssuer(root, "example.org", START + 5 * DAY);
  const foreignIssuer = await exampleIssuer(root, "example.com");
  const unknownIssuer = await exampleIssuer(stranger);
  const leafOf = async (serial: string, change: Partial<LeafOf> = {}): Promise<Uint8Array> =>
    await exampleLeaf({ serial, issuer, key: phoneKey, names: [ALICE, PHONE], ...change });
  const phone = await leafOf("phone 1");
  const laptop = await leafOf("laptop 1", { key: laptopKey, names: [ALICE, LAPTOP] });
  const logged = listWith([PHONE, [recordFor(phone)]], [LAPTOP, [recordFor(laptop)]]);
  const loggedLeaf = (leaf: Uint8Array): DeviceList => listWith([PHONE, [recordFor(leaf)]]);

  const make = (name: string, given: Given, expect: VerdictCase["expect"]): VerdictCase => ({
    name,
    certificates: [given.leaf, ...(given.chain ?? [issuer.certificate])].map(hex),
    signature_key: hex(given.key ?? phoneKey.publicKey),
    signature_scheme: 0x0807,
    reference: { user: ALICE },
    time: NOW,
    devices: {
      value: hex(encodeDeviceList(given.list ?? logged)),
      version: 0,
      log_id: hex(LOG_ID),
      position: 17,
      proven_at: NOW,
      ...given.evidence,
    },
    ...given.change,
    expect,
  });
  const without = (given: VerdictCase): VerdictCase => {
    const { devices: _, ...rest } = given;
    return rest;
  };
  const good = { accepted: true, standing: "valid", refusals: [], warnings: [] };
  const bad = (standing: string, ...refusals: string[]): VerdictCase["expect"] => ({
    accepted: false,
    standing,
    refusals,
  });
  const revoked = listWith([PHONE, [recordFor(phone, { status: "revoked", revokedAt: BigInt(NOW - DAY), reason: 1 })]]);
  const early = await leafOf("early", { notBefore: NOW + DAY });
  const slightlyEarly = await leafOf("slightly early", { notBefore: NOW + 120 });
  const byExpired = await leafOf("by expired", { issuer: expiredIssuer });
  const foreign = await leafOf("foreign", { issuer: foreignIssuer });
  const untrusted = await leafOf("untrusted", { issuer: unknownIssuer });
  const webServer = await leafOf("web server", { keyPurpose: "1.3.6.1.5.5.7.3.1" });
  const oneName = await leafOf("one name", { names: [ALICE] });
  const twoClients = await leafOf("two clients", { names: [ALICE, PHONE, LAPTOP] });
  const otherUser = await leafOf("other user", {
    names: ["mimi://example.org/u/mallory", "mimi://example.org/d/mallory/phone"],
  });
  const mixed = await leafOf("mixed", { names: [ALICE, "mimi://example.org/d/mallory/phone"] });
  const longLived = await leafOf("long lived", { notAfter: START + 500 * DAY });
  const tablet: ExampleKey = exampleKey("tablet");
  const tampered = Uint8Array.from(phone);
  tampered[tampered.length - 1] = (tampered.at(-1) as number) ^ 1;

  const cases: VerdictCase[] = [
    make("a logged credential", { leaf: phone }, good),
    make("the device known too", { leaf: phone, change: { reference: { user: ALICE, client: PHONE } } }, good),
    make("the root sent along", { leaf: phone, chain: [issuer.certificate, root.certificate] }, good),
    make("by the local clock", { leaf: phone, change: { time_source: "local" } }, good),
    make("at the first second", { leaf: phone, change: { time: START }, evidence: { proven_at: START } }, good),
    make("at the last second", { leaf: phone, change: { time: START + 90 * DAY } }, good),
    make(
      "slightly early by the local clock",
      {
        leaf: slightlyEarly,
        list: loggedLeaf(slightlyEarly),
        evidence: { proven_at: NOW + 120 },
        change: { time_source: "local" },
      },
      good,
    ),
    make(
      "slightly early by the pin",
      { leaf: slightlyEarly, list: loggedLeaf(slightlyEarly), evidence: { proven_at: NOW + 120 } },
      bad("not-yet-valid", "not-yet-valid"),
    ),
    make(
      "newer than the pin, with its own proof",
      { leaf: early, list: loggedLeaf(early), evidence: { proven_at: NOW + 2 * DAY, source: "staple" } },
      good,
    ),
    make(
      "not yet valid",
      { leaf: early, list: loggedLeaf(early), evidence: { proven_at: NOW + 2 * DAY } },
      bad("not-yet-valid", "not-yet-valid"),
    ),
    make(
      "expired, within the grace",
      { leaf: phone, change: { time: START + 91 * DAY } },
      {
        accepted: true,
        standing: "expired",
        refusals: [],
        warnings: ["credential-expired"],
        deadline: START + 97 * DAY,
      },
    ),
    make(
      "expired, past the grace",
      { leaf: phone, change: { time: START + 98 * DAY } },
      bad("expired", "credential-expired"),
    ),
    make(
      "expired, rejected at once",
      {
        leaf: phone,
        change: {
          time: START + 90 * DAY + 1,
          policy: { members: { expired: "reject", revoked: "reject", unlogged: "reject" } },
        },
      },
      bad("expired", "credential-expired"),
    ),
    make(
      "expired, told only",
      {
        leaf: phone,
        change: {
          time: START + 900 * DAY,
          policy: { members: { expired: "warn", revoked: "reject", unlogged: "reject" } },
        },
      },
      { accepted: true, standing: "expired", warnings: ["credential-expired"] },
    ),
    make("revoked", { leaf: phone, list: revoked }, bad("revoked", "credential-revoked")),
    make(
      "revoked, within a grace",
      {
        leaf: phone,
        list: revoked,
        change: { policy: { members: { expired: "reject", revoked: { grace: 2 * DAY }, unlogged: "reject" } } },
      },
      { accepted: true, standing: "revoked", refusals: [], warnings: ["credential-revoked"], deadline: NOW + DAY },
    ),
    make(
      "revoked and expired: revoked is told",
      { leaf: phone, list: revoked, change: { time: START + 98 * DAY } },
      bad("revoked", "credential-revoked", "credential-expired"),
    ),
    make("unlogged", { leaf: phone, list: listWith([LAPTOP, [recordFor(laptop)]]) }, bad("unlogged", "unlogged")),
    make(
      "unlogged, advisory",
      { leaf: phone, list: listWith([LAPTOP, [recordFor(laptop)]]), change: { policy: { transparency: "advisory" } } },
      { accepted: true, standing: "unlogged", refusals: [], warnings: ["unlogged"] },
    ),
    make(
      "logged for another client",
      { leaf: phone, list: listWith([LAPTOP, [recordFor(phone)]]) },
      bad("invalid", "record-mismatch"),
    ),
    make(
      "logged with another key",
      { leaf: phone, list: listWith([PHONE, [recordFor(phone, { spkiHash: tablet.spkiHash })]]) },
      bad("invalid", "record-mismatch"),
    ),
    make(
      "a list from before the credential",
      { leaf: phone, list: listWith([LAPTOP, [recordFor(laptop)]]), evidence: { proven_at: START - 1 } },
      bad("unproven", "evidence-older-than-credential"),
    ),
    make(
      "evidence of another log",
      { leaf: phone, evidence: { log_id: hex(digest("other")) } },
      bad("invalid", "evidence-of-other-log"),
    ),
    without(make("no evidence", { leaf: phone }, bad("unproven", "evidence-unavailable"))),
    without(
      make(
        "no evidence for an hour",
        { leaf: phone, change: { evidence_missing_since: NOW - 3600 } },
        {
          accepted: true,
          standing: "unproven",
          refusals: [],
          warnings: ["evidence-unavailable"],
          deadline: NOW - 3600 + DAY,
        },
      ),
    ),
    without(
      make(
        "no evidence for two days",
        { leaf: phone, change: { evidence_missing_since: NOW - 2 * DAY } },
        bad("unproven", "evidence-unavailable"),
      ),
    ),
    without(
      make(
        "no evidence, advisory",
        { leaf: phone, change: { policy: { transparency: "advisory" } } },
        { accepted: true, standing: "unproven", refusals: [], warnings: ["evidence-unavailable"] },
      ),
    ),
    without(
      make(
        "no staple",
        { leaf: phone, change: { policy: { transparency: "stapled" } } },
        bad("unproven", "staple-required"),
      ),
    ),
    make(
      "looked up where a staple is due",
      { leaf: phone, change: { policy: { transparency: "stapled" } } },
      bad("invalid", "staple-required"),
    ),
    make(
      "stapled",
      { leaf: phone, evidence: { source: "staple" }, change: { policy: { transparency: "stapled" } } },
      good,
    ),
    make(
      "an old staple",
      {
        leaf: phone,
        evidence: { source: "staple", proven_at: NOW - 8 * DAY },
        change: { policy: { transparency: "stapled" } },
      },
      bad("invalid", "staple-too-old"),
    ),
    make(
      "an untrusted root",
      { leaf: untrusted, chain: [unknownIssuer.certificate], list: loggedLeaf(untrusted) },
      bad("invalid", "untrusted"),
    ),
    make(
      "an issuing CA of another domain",
      { leaf: foreign, chain: [foreignIssuer.certificate], list: loggedLeaf(foreign) },
      bad("invalid", "name-constraint"),
    ),
    make(
      "an expired issuing CA",
      { leaf: byExpired, chain: [expiredIssuer.certificate], list: loggedLeaf(byExpired) },
      bad("invalid", "expired"),
    ),
    make("a changed signature", { leaf: tampered }, bad("invalid", "bad-signature", "untrusted")),
    make("the issuing CA missing", { leaf: phone, chain: [] }, bad("invalid", "untrusted")),
    make(
      "a stranger in the chain",
      { leaf: phone, chain: [issuer.certificate, foreignIssuer.certificate] },
      bad("invalid", "chain-order"),
    ),
    make("no certificate at all", { leaf: phone, change: { certificates: [] } }, bad("invalid", "empty-chain")),
    make(
      "trailing bytes after the leaf",
      { leaf: Uint8Array.from([...phone, 0]) },
      bad("invalid", "malformed-certificate"),
    ),
    make(
      "another key in the leaf node",
      { leaf: phone, key: laptopKey.publicKey },
      bad("invalid", "profile-key-mismatch"),
    ),
    make(
      "another cipher suite's scheme",
      { leaf: phone, change: { signature_scheme: 0x0403 } },
      { accepted: false, standing: "invalid" },
    ),
    make(
      "a scheme the policy does not list",
      { leaf: phone, change: { policy: { signatureSchemes: [0x0403] } } },
      bad("invalid", "scheme-not-allowed"),
    ),
    make(
      "x509 not allowed",
      { leaf: phone, change: { policy: { credentialTypes: ["basic"] } } },
      bad("invalid", "credential-type-not-allowed"),
    ),
    make(
      "for another purpose",
      { leaf: webServer, list: loggedLeaf(webServer) },
      { accepted: false, standing: "invalid" },
    ),
    make(
      "for another user",
      { leaf: otherUser, list: listWith([PHONE, [recordFor(otherUser)]]) },
      { accepted: false, standing: "invalid" },
    ),
    make(
      "for another device",
      { leaf: phone, change: { reference: { user: ALICE, client: LAPTOP } } },
      bad("invalid", "profile-client-mismatch"),
    ),
    make(
      "a client of another user beside the user",
      { leaf: mixed, list: loggedLeaf(mixed) },
      { accepted: false, standing: "invalid" },
    ),
    make("one name only", { leaf: oneName, list: loggedLeaf(oneName) }, { accepted: false, standing: "invalid" }),
    make("two clients", { leaf: twoClients, list: loggedLeaf(twoClients) }, { accepted: false, standing: "invalid" }),
    make(
      "a lifetime over the policy's",
      { leaf: longLived, list: loggedLeaf(longLived) },
      bad("invalid", "profile-lifetime"),
    ),
    make(
      "a domain the policy does not know",
      { leaf: phone, change: { policy: { domains: {} } } },
      bad("invalid", "unknown-domain"),
    ),
    make(
      "a reference in capitals",
      { leaf: phone, list: logged, change: { reference: { user: ALICE, client: PHONE.toUpperCase() } } },
      bad("invalid", "invalid-reference"),
    ),
  ];
  return {
    description: "Credentials with their evidence, and what every member must decide.",
    policy: {
      domains: { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } },
    },
    cases,
  };
}
