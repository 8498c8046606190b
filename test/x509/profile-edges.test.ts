import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkMlsProfile, logIdOf, type MlsProfileContext, mlsNames, parseCertificate } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import {
  authorityInfoAccess,
  basicConstraints,
  certificate,
  crlDistributionPoints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  keyUsage,
  logId,
  name,
  type PointOptions,
  subjectAltName,
  subjectKeyIdentifier,
  uri,
} from "./certificate-builder.js";
import { bytes, element, generalizedTime, nullValue, octetString, oid, sequence, time } from "./der-writer.js";
import { bareKey, ecdsaKey, ed25519Key, ed448Key, rsaKey } from "./signing-keys.js";
import { CLIENT, IM_URI, leaf, type LeafExtensions, NAMES, USER, usualChain } from "./world.js";

interface ProfileCase {
  readonly extensions?: LeafExtensions;
  readonly overrides?: Parameters<typeof leaf>[2];
  readonly context?: MlsProfileContext;
  readonly der?: Uint8Array;
}

const EXPLAINED = fileURLToPath(new URL("profile-explanations.json", import.meta.url));
const { issuing } = usualChain();
const LOG = "1.3.6.1.4.1.32473.9750.1";
const OTHER = "1.3.6.1.4.1.32473.2";
const YEAR = 365 * 86_400;

const serial = (...octets: readonly number[]): ProfileCase => ({ overrides: { serial: element(2, bytes(...octets)) } });
const positive = (length: number): ProfileCase => serial(...Array.from({ length }, () => 0x41));
const names = (...list: readonly Uint8Array[]): ProfileCase => ({ extensions: { names: subjectAltName(list) } });
const points = (...list: readonly PointOptions[]): ProfileCase => ({
  extensions: { points: crlDistributionPoints(...list) },
});
const access = (...list: readonly (readonly [method: string, location: Uint8Array])[]): ProfileCase => ({
  extensions: {
    access: extension("1.3.6.1.5.5.7.1.1", false, sequence(...list.map(([method, at]) => sequence(oid(method), at)))),
  },
});
const log = (value: Uint8Array, critical = false): ProfileCase => ({
  extensions: { log: extension(LOG, critical, value) },
});
const under = (context: MlsProfileContext, extensions: LeafExtensions = {}): ProfileCase => ({ context, extensions });
const [CA_ISSUERS, OCSP] = ["1.3.6.1.5.5.7.48.2", "1.3.6.1.5.5.7.48.1"];
const HERE = uri("http://as.mls.example/");
const BOB = "mimi://mls.example/d/bob/phone";

const CASES: Readonly<Record<string, ProfileCase>> = {
  "a conforming certificate": {},
  "serial number of 11 octets": positive(11),
  "serial number of 12 octets": positive(12),
  "serial number of 20 octets": positive(20),
  "serial number of 21 octets": positive(21),
  "serial number of 16 octets, negative": serial(0x80, ...Array.from({ length: 15 }, () => 1)),
  "serial number zero": serial(0),
  "version 1": {
    der: certificate({
      subject: name(),
      issuer: issuing.name,
      subjectKey: ed25519Key("leaf"),
      signer: issuing.key,
      extensions: [],
      version: null,
    }),
  },
  "issuer unique identifier": { overrides: { uniqueIds: [element(0x81, bytes(0, 1))] } },
  "subject unique identifier": { overrides: { uniqueIds: [element(0x82, bytes(0, 1))] } },
  "a subject": { overrides: { subject: name(["CN", "alice"]) } },
  "GeneralizedTime before 2050": { overrides: { notAfter: generalizedTime("2026-12-31T00:00:00Z") } },
  "an instant": { overrides: { notAfter: time("2026-01-01T00:00:00Z") } },
  "reversed by a second": { overrides: { notAfter: time("2025-12-31T23:59:59Z") } },
  "the longest lifetime": under({ maximumLifetime: YEAR }),
  "a second longer": under({ maximumLifetime: YEAR - 1 }),
  "reversed, with a longest lifetime": {
    overrides: { notAfter: time("2025-12-31T23:59:59Z") },
    context: { maximumLifetime: 0 },
  },
  "no names": { extensions: { names: null } },
  "names that are not critical": { extensions: { names: subjectAltName(NAMES, false) } },
  "the user alone": names(uri(USER)),
  "the client alone": names(uri(CLIENT)),
  "the client before the user": names(uri(CLIENT), uri(USER)),
  "the user twice": names(uri(USER), uri(USER)),
  "the client twice": names(uri(USER), uri(CLIENT), uri(CLIENT)),
  "two users": names(uri(USER), uri("mimi://mls.example/u/bob"), uri(CLIENT)),
  "another's client": names(uri(USER), uri(BOB)),
  "an e-mail address besides": names(...NAMES, email("alice@mls.example")),
  "a DNS name before": names(dns("mls.example"), ...NAMES),
  "a web address besides": names(...NAMES, uri("https://mls.example/")),
  "an upper-case user": names(uri("mimi://mls.example/u/Alice"), uri(CLIENT)),
  "the user asked for": under({ user: USER, client: CLIENT }),
  "another user": under({ user: "mimi://mls.example/u/bob" }),
  "another client": under({ client: BOB }),
  "another user and client": under({ user: "mimi://mls.example/u/bob", client: BOB }),
  "no user, asked for one": under({ user: USER, client: CLIENT }, { names: subjectAltName([uri(CLIENT)]) }),
  "an RSA key": { overrides: { key: rsaKey("issuing") }, context: { scheme: 0x0807, signatureKey: bytes(1) } },
  "an Ed448 key": { overrides: { key: ed448Key("leaf") } },
  "an Ed448 key for its scheme": { overrides: { key: ed448Key("leaf") }, context: { scheme: 0x0808 } },
  "an Ed448 key for another scheme": { overrides: { key: ed448Key("leaf") }, context: { scheme: 0x0807 } },
  "a key of an unknown kind": {
    overrides: { key: bareKey(sequence(sequence(oid("1.3.101.110")), element(3, bytes(0, 1)))) },
    context: { scheme: 0x0807, signatureKey: bytes(1) },
  },
  "a P-256 key": { overrides: { key: ecdsaKey("leaf", "P-256") }, context: { scheme: 0x0403 } },
  "a P-256 key for P-384": { overrides: { key: ecdsaKey("leaf", "P-256") }, context: { scheme: 0x0503 } },
  "another signature key": under({ signatureKey: new Uint8Array(32) }),
  "no keyUsage": { extensions: { usage: null } },
  "keyAgreement alone": { extensions: { usage: keyUsage(["keyAgreement"]) } },
  "another usage besides": { extensions: { usage: keyUsage(["digitalSignature", "keyAgreement"]) } },
  "keyUsage that is not critical": { extensions: { usage: keyUsage(["digitalSignature"], false) } },
  "no purpose": { extensions: { purposes: null } },
  "another purpose": { extensions: { purposes: extendedKeyUsage(["1.3.6.1.5.5.7.3.2"]) } },
  "a purpose besides": { extensions: { purposes: extendedKeyUsage([IM_URI, "1.3.6.1.5.5.7.3.2"]) } },
  "the purpose that the caller wants": under(
    { extendedKeyUsage: "1.3.6.1.5.5.7.3.2" },
    { purposes: extendedKeyUsage(["1.3.6.1.5.5.7.3.2"]) },
  ),
  "the usual purpose, where the caller wants another": under({ extendedKeyUsage: "1.3.6.1.5.5.7.3.2" }),
  "no basicConstraints": { extensions: { basic: null } },
  "a CA": { extensions: { basic: basicConstraints(true) } },
  "a path length without cA": { extensions: { basic: basicConstraints(false, 0) } },
  "no subjectKeyIdentifier": { extensions: { ski: null } },
  "no authorityKeyIdentifier": { extensions: { aki: null } },
  "an authorityKeyIdentifier without a key": { extensions: { aki: extension("2.5.29.35", false, sequence()) } },
  "no distribution point": { extensions: { points: null } },
  "a distribution point without a URI": points({ names: [dns("x.example")] }),
  "a distribution point with a URI besides": points({ names: [dns("x.example"), HERE] }),
  "a second distribution point with a URI": points({ names: [dns("x.example")] }, { names: [HERE] }),
  "a distribution point with nothing but a CRL issuer": points({ crlIssuer: name(["CN", "x"]) }),
  "a relative distribution point": points({ relative: sequence(oid("2.5.4.3"), element(12, bytes(0x61))) }),
  "no authorityInfoAccess": { extensions: { access: null } },
  "no OCSP": access([CA_ISSUERS, HERE]),
  "no issuers": access([OCSP, HERE]),
  "OCSP by a name": access([CA_ISSUERS, HERE], [OCSP, directory(name(["CN", "x"]))]),
  "OCSP twice": access([OCSP, directory(name(["CN", "x"]))], [OCSP, HERE], [CA_ISSUERS, HERE]),
  "no log_id": { extensions: { log: null } },
  "a log_id of 31 octets": log(octetString(new Uint8Array(31))),
  "a log_id of 33 octets": log(octetString(new Uint8Array(33))),
  "a log_id of another type": log(element(12, new Uint8Array(32))),
  "a log_id with more behind it": log(Uint8Array.of(...octetString(new Uint8Array(32)), 5, 0)),
  "a critical log_id": log(octetString(new Uint8Array(32)), true),
  "the log_id asked for": under({ logId: new Uint8Array(32).fill(7) }),
  "another log_id": under({ logId: new Uint8Array(32) }),
  "a log_id under another name": under(
    { logIdExtension: OTHER },
    { log: extension(OTHER, false, octetString(new Uint8Array(32))) },
  ),
  "the usual log_id, where the caller has another name": under({ logIdExtension: OTHER }),
  "an extension besides": { extensions: { more: [extension(OTHER, false, nullValue)] } },
  "an extension that the caller allows": under(
    { allowedExtensions: [OTHER] },
    { more: [extension(OTHER, false, nullValue)] },
  ),
  "an extension, where the caller allows another": under(
    { allowedExtensions: [LOG] },
    { more: [extension(OTHER, false, nullValue)] },
  ),
  "everything at once": {
    extensions: {
      names: null,
      usage: null,
      purposes: null,
      basic: null,
      ski: null,
      aki: null,
      points: null,
      access: null,
      log: null,
    },
    overrides: { subject: name(["CN", "x"]), serial: element(2, bytes(7)) },
  },
};

function explain({ extensions = {}, overrides = {}, context = {}, der }: ProfileCase): string[] {
  const read = parseCertificate(der ?? leaf(issuing, extensions, overrides));
  return checkMlsProfile(read, context).map(({ code, path, section, detail }) =>
    [code, path, section, detail].join(" | "),
  );
}

describe("what departs from the MLS certificate profile, and where", () => {
  if (process.env["WRITE_VECTORS"] === "1") {
    const explained = Object.fromEntries(Object.entries(CASES).map(([id, input]) => [id, explain(input)]));
    writeFileSync(EXPLAINED, `${JSON.stringify(explained, null, 2)}\n`);
  }
  const recorded = JSON.parse(readFileSync(EXPLAINED, "utf8")) as Record<string, string[]>;

  it.each(Object.entries(CASES))("%s", (id, input) => {
    expect(explain(input)).toEqual(recorded[id]);
  });

  it("is recorded for these and no others", () => {
    expect(Object.keys(recorded)).toEqual(Object.keys(CASES));
  });
});

describe("names of a certificate", () => {
  const namesOf = (...list: readonly Uint8Array[]) =>
    mlsNames(parseCertificate(leaf(issuing, { names: list.length === 0 ? null : subjectAltName(list) })));

  it("are one user and one client of that user, in any order, and nothing besides", () => {
    const both = { user: USER, client: CLIENT };
    expect(namesOf(uri(USER), uri(CLIENT))).toEqual(both);
    expect(namesOf(uri(CLIENT), uri(USER))).toEqual(both);
    for (const list of [
      [],
      [uri(USER)],
      [uri(CLIENT)],
      [uri(USER), uri(USER)],
      [uri(CLIENT), uri(CLIENT)],
      [uri(USER), uri(BOB)],
      [uri(USER), uri(CLIENT), uri(CLIENT)],
      [uri(USER), uri(CLIENT), dns("mls.example")],
      [uri(USER), dns("mls.example")],
      [uri(CLIENT), uri("https://mls.example/")],
      [uri(USER), uri("mimi://other.example/d/alice/phone")],
    ])
      expect(namesOf(...list)).toBeUndefined();
  });

  it("and the log that it names", () => {
    const of = (extensions: LeafExtensions, ...args: [string?]) =>
      logIdOf(parseCertificate(leaf(issuing, extensions)), ...args);
    expect(of({})).toEqual(new Uint8Array(32).fill(7));
    expect(of({}, LOG)).toEqual(new Uint8Array(32).fill(7));
    expect(of({}, OTHER)).toBeUndefined();
    expect(of({ log: null })).toBeUndefined();
    expect(of({ log: null, more: [logId()] })).toHaveLength(32);
    for (const value of [octetString(new Uint8Array(31)), element(12, new Uint8Array(32)), bytes(4), bytes()])
      expect(of({ log: extension(LOG, false, value) })).toBeUndefined();
    expect(
      of({ log: null, ski: subjectKeyIdentifier(issuing.key), access: authorityInfoAccess(false) }),
    ).toBeUndefined();
  });
});
