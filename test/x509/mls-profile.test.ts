import {
  checkIssuingCaProfile,
  checkMlsProfile,
  logIdOf,
  mlsNames,
  parseCertificate,
  tbsCertificateHash,
} from "@mls-as/mls-credentials";
import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  basicConstraints,
  crlDistributionPoints,
  dns,
  extendedKeyUsage,
  extension,
  keyUsage,
  name,
  subjectAltName,
  uri,
} from "./certificate-builder.js";
import { element, generalizedTime, integer, octetString, time } from "./der-writer.js";
import { ecdsaKey, ed25519Key, ed448Key, rsaKey } from "./signing-keys.js";
import { CLIENT, IM_URI, leaf, type LeafExtensions, NAMES, USER, usualChain } from "./world.js";

const { issuing } = usualChain();
const codes = (
  extensions: LeafExtensions,
  overrides: Parameters<typeof leaf>[2] = {},
  context: Parameters<typeof checkMlsProfile>[1] = {},
): string[] => checkMlsProfile(parseCertificate(leaf(issuing, extensions, overrides)), context).map(({ code }) => code);

describe("MLS certificate profile", () => {
  it("accepts a conforming certificate, for every key type of the profile", () => {
    for (const key of [
      ed25519Key("leaf"),
      ecdsaKey("leaf", "P-256"),
      ecdsaKey("leaf", "P-384"),
      ecdsaKey("leaf", "P-521"),
    ])
      expect(codes({}, { key })).toEqual([]);
    const certificate = parseCertificate(leaf(issuing));
    const publicKey = certificate.signatureKey?.publicKey ?? new Uint8Array(0);
    const logId = logIdOf(certificate);
    expect(logId).toHaveLength(32);
    const context = { signatureKey: publicKey, scheme: 0x0807, user: USER, client: CLIENT, logId: logId ?? publicKey };
    expect(checkMlsProfile(certificate, context)).toEqual([]);
    expect(mlsNames(certificate)).toEqual({ user: USER, client: CLIENT });
  });

  it.each<[string, string, LeafExtensions, Parameters<typeof leaf>[2]?]>([
    ["profile-serial", "a short serial number", {}, { serial: integer(7) }],
    ["profile-serial", "a negative serial number", {}, { serial: integer(-7) }],
    ["profile-subject", "a subject", {}, { subject: name(["CN", "alice"]) }],
    [
      "profile-time-encoding",
      "GeneralizedTime before 2050",
      {},
      { notBefore: generalizedTime("2026-01-01T00:00:00Z") },
    ],
    ["profile-lifetime", "reversed validity", {}, { notAfter: time("2020-01-01T00:00:00Z") }],
    ["profile-names", "no names", { names: null }],
    ["profile-names", "names that are not critical", { names: subjectAltName(NAMES, false) }],
    ["profile-names", "the user alone", { names: subjectAltName([uri(USER)]) }],
    ["profile-names", "the client alone", { names: subjectAltName([uri(CLIENT)]) }],
    ["profile-names", "two clients", { names: subjectAltName([...NAMES, uri(`${CLIENT}2`)]) }],
    ["profile-names", "a DNS name beside", { names: subjectAltName([...NAMES, dns("mls.example")]) }],
    [
      "profile-names",
      "a client of another user",
      { names: subjectAltName([uri(USER), uri("mimi://mls.example/d/bob/phone")]) },
    ],
    [
      "profile-name-invalid",
      "a URI of another scheme",
      { names: subjectAltName([...NAMES, uri("https://mls.example/")]) },
    ],
    [
      "profile-name-invalid",
      "an upper-case name",
      { names: subjectAltName([uri("mimi://mls.example/u/Alice"), uri(CLIENT)]) },
    ],
    ["profile-key-usage", "no keyUsage", { usage: null }],
    ["profile-key-usage", "another usage beside", { usage: keyUsage(["digitalSignature", "keyAgreement"]) }],
    ["profile-key-usage", "keyUsage that is not critical", { usage: keyUsage(["digitalSignature"], false) }],
    ["profile-extended-key-usage", "no purpose", { purposes: null }],
    ["profile-extended-key-usage", "a purpose beside", { purposes: extendedKeyUsage([IM_URI, "1.3.6.1.5.5.7.3.2"]) }],
    ["profile-extended-key-usage", "any purpose", { purposes: extendedKeyUsage(["2.5.29.37.0"]) }],
    ["profile-basic-constraints", "no basicConstraints", { basic: null }],
    ["profile-basic-constraints", "a CA", { basic: basicConstraints(true) }],
    ["profile-key-identifiers", "no subjectKeyIdentifier", { ski: null }],
    ["profile-key-identifiers", "no authorityKeyIdentifier", { aki: null }],
    ["profile-distribution-point", "no distribution point", { points: null }],
    [
      "profile-distribution-point",
      "a distribution point without URI",
      { points: crlDistributionPoints({ names: [dns("x.example")] }) },
    ],
    ["profile-information-access", "no authorityInfoAccess", { access: null }],
    ["profile-log-id", "no log_id", { log: null }],
    [
      "profile-log-id",
      "a log_id of 31 octets",
      { log: extension("1.3.6.1.4.1.32473.9750.1", false, octetString(new Uint8Array(31))) },
    ],
    [
      "profile-log-id",
      "a critical log_id",
      { log: extension("1.3.6.1.4.1.32473.9750.1", true, octetString(new Uint8Array(32))) },
    ],
    [
      "profile-unknown-extension",
      "an extension beside",
      { more: [extension("1.3.6.1.4.1.32473.1", false, octetString())] },
    ],
    ["profile-key-type", "an RSA key", {}, { key: rsaKey("issuing") }],
    ["profile-key-type", "an Ed448 key", {}, { key: ed448Key("leaf") }],
    ["profile-version", "unique identifiers", {}, { uniqueIds: [element(0x81, new Uint8Array(2))] }],
  ])("%s: %s", (code, _, extensions, overrides) => {
    expect(codes(extensions, overrides)).toContain(code);
  });

  it("compares with the leaf node, the reference identifier, the log and the policy", () => {
    expect(codes({}, {}, { signatureKey: new Uint8Array(32) })).toEqual(["profile-key-mismatch"]);
    expect(codes({}, {}, { scheme: 0x0403 })).toEqual(["profile-scheme-mismatch"]);
    expect(codes({}, {}, { user: "mimi://mls.example/u/bob" })).toEqual(["profile-user-mismatch"]);
    expect(codes({}, {}, { client: `${CLIENT}2` })).toEqual(["profile-client-mismatch"]);
    expect(codes({}, {}, { logId: new Uint8Array(32) })).toEqual(["profile-log-id"]);
    expect(codes({}, {}, { maximumLifetime: 86_400 })).toEqual(["profile-lifetime"]);
  });

  it("reports everything that is wrong, not the first", () => {
    expect(codes({ names: null, usage: null, log: null }, { subject: name(["CN", "x"]) }).length).toBeGreaterThan(3);
  });

  it("hashes what the log binds, as another parser sees it", () => {
    const der = leaf(issuing);
    const certificate = parseCertificate(der);
    expect(Buffer.from(tbsCertificateHash(certificate))).toEqual(createHash("sha256").update(certificate.tbs).digest());
    expect(Buffer.from(certificate.spki)).toEqual(
      new X509Certificate(der).publicKey.export({ format: "der", type: "spki" }),
    );
    expect(certificate.serialHex.toUpperCase()).toBe(new X509Certificate(der).serialNumber);
  });
});

describe("issuing CA profile", () => {
  it("accepts the usual issuing CA and names what another lacks", () => {
    expect(checkIssuingCaProfile(parseCertificate(issuing.der), { domain: "mls.example" })).toEqual([]);
    expect(
      checkIssuingCaProfile(parseCertificate(issuing.der), { domain: "other.example" }).map(({ path }) => path),
    ).toEqual(["nameConstraints.permitted"]);
    const lenient = usualChain({ basic: basicConstraints(true, 0, false) }).issuing;
    expect(checkIssuingCaProfile(parseCertificate(lenient.der))).toMatchObject([
      { code: "profile-basic-constraints", path: "basicConstraints" },
    ]);
    const bare = usualChain({ basic: basicConstraints(true), more: [] }).issuing;
    expect(new Set(checkIssuingCaProfile(parseCertificate(bare.der)).map(({ path }) => path))).toEqual(
      new Set(["basicConstraints", "nameConstraints", "nameConstraints.permitted", "nameConstraints.excluded"]),
    );
  });
});
