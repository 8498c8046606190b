import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type AcceptanceBasis,
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  type LocalKnowledge,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  preparePolicy,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
  verifyCredential,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import { DAY, digest, exampleKey, LOG_ID, recordOf, START } from "../conformance/example-devices.js";
import { certificateList, nextSerial, ocspResponse } from "../x509/certificate-builder.js";
import { ed25519Key } from "../x509/signing-keys.js";
import { leaf as profileLeaf, USER, usualChain } from "../x509/world.js";

const TRANSPARENCY = "Validation policy: transparency mode";

describe("a verdict, by what it is based on", async () => {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const [user, client] = ["mimi://example.org/u/alice", "mimi://example.org/d/alice/phone"];
  const key = exampleKey("phone");
  const leaf = await exampleLeaf({ serial: "phone", issuer, key, names: [user, client] });
  const { notBefore, notAfter } = parseCertificate(leaf);
  const record = {
    ...recordOf({ certificate: "", key, notBefore: START }),
    tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
  };
  const devices: DeviceEvidence = {
    list: {
      format: 1,
      identity: user,
      version: 3,
      previousHash: new Uint8Array(32),
      origin: "enrolment",
      devices: [{ client, addedAt: BigInt(START), credentials: [record] }],
    },
    logId: LOG_ID,
    position: 11,
    provenAt: START + DAY,
    source: "search",
  };
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
  const policyOf = (change: Partial<ValidationPolicy>) =>
    preparePolicy(encodePolicy({ ...defaultPolicy(domains), ...change }));
  const presented = { certificates: [leaf, issuer.certificate], signatureKey: key.publicKey, signatureScheme: 0x0807 };
  const judge = async (
    change: Partial<AcceptanceBasis> & { readonly policyOf?: Partial<ValidationPolicy> },
    local?: LocalKnowledge,
  ) => {
    const { policyOf: changed = {}, ...rest } = change;
    const basis = { policy: policyOf(changed), provider: nodeProvider, time: START + DAY, timeSource: "pin" as const };
    return verifyCredential(presented, { user }, { ...basis, devices, ...rest }, local);
  };
  const verdict = async (change: Parameters<typeof judge>[0]) => {
    const { accepted, standing, reasons } = (await judge(change)).acceptance;
    return [
      accepted,
      standing,
      ...reasons.map(({ code, severity, path, deadline }) =>
        [code, severity, path, ...(deadline === undefined ? [] : [deadline])].join(" "),
      ),
    ];
  };

  it("names its basis, the certificate and its names", async () => {
    const { acceptance } = await judge({});
    const { logPosition, deviceListVersion } = acceptance.basis;
    expect([logPosition, deviceListVersion]).toEqual([11, 3]);
    expect(acceptance).toMatchObject({
      accepted: true,
      standing: "valid",
      reasons: [],
      user,
      client,
      notBefore,
      notAfter,
    });
    const without = (await judge({ devices: undefined as never })).acceptance;
    expect(Object.keys(without.basis).sort()).toEqual(["policyDigest", "time", "timeSource"]);
    const empty = await verifyCredential(
      { ...presented, certificates: [] },
      { user },
      {
        policy: policyOf({}),
        provider: nodeProvider,
        time: START,
        timeSource: "pin",
      },
    );
    expect(empty.acceptance.accepted).toBe(false);
    expect(empty.acceptance).not.toHaveProperty("notAfter");
    const reference = await verifyCredential(
      presented,
      { user: "alice" },
      {
        policy: policyOf({}),
        provider: nodeProvider,
        time: START,
        timeSource: "pin",
      },
    );
    expect(reference.acceptance.reasons).toMatchObject([
      { code: "invalid-reference", severity: "refusal", section: "Identities", path: "reference" },
    ]);
  });

  it("counts evidence for the user and the log it is about alone", async () => {
    const other = { ...devices, list: { ...devices.list, identity: "mimi://example.org/u/mallory" } };
    expect(await verdict({ devices: other })).toEqual([
      false,
      "invalid",
      "evidence-of-other-user refusal devices.identity",
    ]);
    expect(await verdict({ devices: { ...devices, logId: digest("another log") } })).toEqual([
      false,
      "invalid",
      "evidence-of-other-log refusal devices.logId",
    ]);
    const { reasons } = (await judge({ devices: other })).acceptance;
    expect(reasons[0]).toMatchObject({ section: TRANSPARENCY, detail: expect.stringContaining("mallory") });
  });

  it("asks for a staple where the policy does, and for one that is not too old", async () => {
    const stapled = { policyOf: { transparency: "stapled", oldestStaple: 100 } as const };
    expect(await verdict(stapled)).toEqual([false, "invalid", "staple-required refusal devices.source"]);
    const staple = { ...devices, source: "staple" as const };
    const at = (time: number) => verdict({ ...stapled, devices: staple, time: START + DAY + time });
    expect(await at(100)).toEqual([true, "valid"]);
    expect(await at(101)).toEqual([false, "invalid", "staple-too-old refusal devices.provenAt"]);
    expect(await verdict({ ...stapled, devices: undefined as never })).toEqual([
      false,
      "unproven",
      "staple-required refusal devices",
    ]);
  });

  it("waits for evidence until its deadline, to the second", async () => {
    const missing = { devices: undefined as never };
    expect(await verdict(missing)).toEqual([false, "unproven", "evidence-unavailable refusal devices"]);
    expect(await verdict({ ...missing, policyOf: { transparency: "advisory" } })).toEqual([
      true,
      "unproven",
      "evidence-unavailable warning devices",
    ]);
    const since = START + DAY - 50;
    const waiting = (evidenceDeadline: number) =>
      verdict({ ...missing, evidenceMissingSince: since, policyOf: { evidenceDeadline } });
    expect(await waiting(50)).toEqual([true, "unproven", `evidence-unavailable warning devices ${since + 50}`]);
    expect(await waiting(49)).toEqual([false, "unproven", "evidence-unavailable refusal devices"]);
    const old = { timeSource: "local" as const, policyOf: { evidenceDeadline: 10 } };
    expect(await verdict({ ...old, time: devices.provenAt + 11 })).toContain(
      "evidence-unavailable refusal devices.provenAt",
    );
    expect((await verdict({ ...old, time: devices.provenAt + 10 }))[0]).toBe(true);
  });

  it("says of an unlogged certificate what the policy makes of it", async () => {
    const unlogged = { ...devices, list: { ...devices.list, devices: [] } };
    const members = (handling: ValidationPolicy["members"]["unlogged"]) => ({
      ...defaultPolicy(domains).members,
      unlogged: handling,
    });
    const of = (change: Partial<ValidationPolicy>, staple = false, time = START + DAY) =>
      verdict({
        devices: { ...unlogged, ...(staple ? { source: "staple" as const, provenAt: notBefore } : {}) },
        policyOf: change,
        time,
      });
    expect(await of({})).toEqual([false, "unlogged", "unlogged refusal certificates[0]"]);
    expect(await of({ members: members("warn") })).toEqual([false, "unlogged", "unlogged refusal certificates[0]"]);
    expect(await of({ transparency: "advisory" })).toEqual([true, "unlogged", "unlogged warning certificates[0]"]);
    const stapled = { transparency: "stapled" as const };
    expect(await of({ ...stapled, members: members("warn") }, true)).toEqual([
      true,
      "unlogged",
      "unlogged warning certificates[0]",
    ]);
    expect((await of({ ...stapled, members: members("reject") }, true))[0]).toBe(false);
    const grace = { ...stapled, members: members({ grace: 200 }) };
    const deadline = notBefore + 200;
    expect(await of(grace, true, deadline)).toEqual([true, "unlogged", `unlogged warning certificates[0] ${deadline}`]);
    expect((await of(grace, true, deadline + 1))[0]).toBe(false);
    const early = { ...unlogged, provenAt: notBefore - 1 };
    expect(await verdict({ devices: early, policyOf: { transparency: "advisory" } })).toEqual([
      true,
      "unproven",
      "evidence-older-than-credential warning devices",
    ]);
    expect(await verdict({ devices: early })).toEqual([
      false,
      "unproven",
      "evidence-older-than-credential refusal devices",
    ]);
  });

  it("tells expiry apart, and gives it the policy's time", async () => {
    const expired = (handling: ValidationPolicy["members"]["expired"], time: number) =>
      verdict({ time, policyOf: { members: { ...defaultPolicy(domains).members, expired: handling } } });
    expect(await expired("reject", notAfter)).toEqual([true, "valid"]);
    const field = "certificates[0].notAfter";
    expect(await expired("reject", notAfter + 1)).toEqual([
      false,
      "expired",
      `credential-expired refusal ${field} ${notAfter}`,
    ]);
    expect(await expired("warn", notAfter + 99)).toEqual([true, "expired", `credential-expired warning ${field}`]);
    const until = notAfter + 10;
    expect(await expired({ grace: 10 }, until)).toEqual([
      true,
      "expired",
      `credential-expired warning ${field} ${until}`,
    ]);
    expect(await expired({ grace: 10 }, until + 1)).toEqual([
      false,
      "expired",
      `credential-expired refusal ${field} ${until}`,
    ]);
    const { acceptance } = await judge({ time: notAfter + 1 });
    expect(acceptance.reasons[0]?.section).toBe("RFC 9750, Credential Lifetimes");
  });

  it("says of a revoked certificate what the policy makes of it, to the second", async () => {
    const since = START + 1000;
    const revokedList = {
      ...devices.list,
      devices: [
        {
          client,
          addedAt: BigInt(START),
          credentials: [{ ...record, status: "revoked", revokedAt: BigInt(since), reason: 1 }],
        },
      ],
    } as DeviceEvidence["list"];
    const revoked = (handling: ValidationPolicy["members"]["revoked"], time = START + DAY) =>
      verdict({
        devices: { ...devices, list: revokedList },
        time,
        policyOf: { members: { ...defaultPolicy(domains).members, revoked: handling } },
      });
    const reason = (severity: string) => `credential-revoked ${severity} certificates[0]`;
    expect(await revoked("reject")).toEqual([false, "revoked", reason("refusal")]);
    expect(await revoked("warn")).toEqual([true, "revoked", reason("warning")]);
    expect(await revoked({ grace: 50 }, since + 50)).toEqual([true, "revoked", `${reason("warning")} ${since + 50}`]);
    expect(await revoked({ grace: 50 }, since + 51)).toEqual([false, "revoked", `${reason("refusal")} ${since + 50}`]);
    const { acceptance } = await judge({ devices: { ...devices, list: revokedList } });
    expect(acceptance.reasons[0]?.section).toBe("RFC 9750, Credential Revocation");
  });

  it("lets the local clock be slow by the policy's skew, and no other time", async () => {
    const early = (time: number, timeSource: "local" | "pin", clockSkew = 60) =>
      verdict({ time, timeSource, policyOf: { clockSkew } });
    const at = notBefore;
    expect((await early(at - 60, "local"))[0]).toBe(true);
    expect((await early(at - 61, "local")).slice(0, 2)).toEqual([false, "not-yet-valid"]);
    expect((await early(at - 1, "local", 0)).slice(0, 2)).toEqual([false, "not-yet-valid"]);
    expect((await early(at, "local", 0))[0]).toBe(true);
    expect((await early(at - 1, "pin")).slice(0, 2)).toEqual([false, "not-yet-valid"]);
    expect(await early(at, "pin")).toEqual([true, "valid"]);
    // What else is wrong with the leaf or its chain is not hidden by an early clock.
    expect((await early(at - 30, "local")).slice(0, 2)).toEqual([true, "valid"]);
  });

  it("holds a record against the certificate's client and key", async () => {
    const listed = (change: object, device = client) => ({
      ...devices,
      list: {
        ...devices.list,
        devices: [{ client: device, addedAt: BigInt(START), credentials: [{ ...record, ...change }] }],
      } as DeviceEvidence["list"],
    });
    expect(await verdict({ devices: listed({}) })).toEqual([true, "valid"]);
    for (const other of [listed({ spkiHash: digest("another key") }), listed({}, `${client}2`)])
      expect(await verdict({ devices: other })).toEqual([false, "invalid", "record-mismatch refusal certificates[0]"]);
    const { acceptance } = await judge({ devices: listed({ spkiHash: digest("another key") }) });
    expect(acceptance.reasons[0]?.section).toBe(TRANSPARENCY);
  });

  it("counts what was looked up by the local clock as long as its deadline, a staple and a pinned list for longer", async () => {
    const late = { time: devices.provenAt + 100, policyOf: { evidenceDeadline: 10 } };
    const stale = "evidence-unavailable refusal devices.provenAt";
    const local = { ...late, timeSource: "local" as const };
    expect(await verdict(local)).toContain(stale);
    expect(await verdict(late)).toEqual([true, "valid"]);
    expect(await verdict({ ...late, timeSource: "stated" as never })).toEqual([true, "valid"]);
    const staple = { ...devices, source: "staple" as const };
    expect(await verdict({ ...local, devices: staple })).not.toContain(stale);
    const advisory = { ...local, policyOf: { evidenceDeadline: 10, transparency: "advisory" as const } };
    expect(await verdict(advisory)).toContain("evidence-unavailable warning devices.provenAt");
    expect((await verdict(advisory))[0]).toBe(true);
  });

  it("names the place of what it cannot read, and of what is out of order", async () => {
    const chain = async (...certificates: Uint8Array[]) => {
      const { acceptance } = await verifyCredential(
        { ...presented, certificates },
        { user },
        { policy: policyOf({}), provider: nodeProvider, time: START + DAY, timeSource: "pin", devices },
      );
      return acceptance.reasons.map(({ code, path, section }) => [code, path, section].join(" | "));
    };
    const der = "X.690, Distinguished Encoding Rules";
    expect(await chain(leaf, Uint8Array.of(0x30, 1))).toEqual([
      expect.stringMatching(/^malformed-certificate \| certificates\[1\]\.certificate.* \| X\.690/),
    ]);
    expect(await chain(Uint8Array.of())).toEqual([expect.stringContaining(`certificates[0].certificate | ${der}`)]);
    expect(await chain(leaf, issuer.certificate, root.certificate)).toEqual([]);
    expect(await chain(leaf, root.certificate, issuer.certificate)).toEqual([
      "chain-order | certificates[1] | RFC 9420, Credentials",
    ]);
    expect(await chain(leaf, issuer.certificate, leaf)).toEqual([
      "chain-order | certificates[2] | RFC 9420, Credentials",
    ]);
    expect(await chain(leaf, issuer.certificate, root.certificate, leaf)).toEqual([
      "chain-order | certificates[3] | RFC 9420, Credentials",
    ]);
  });

  it("asks for the purposes that the policy names", async () => {
    expect((await verdict({ policyOf: { keyPurposes: ["1.3.6.1.5.5.7.3.1"] } })).slice(0, 2)).toEqual([
      false,
      "invalid",
    ]);
  });
});

describe("what a member sees by itself", () => {
  it("is nothing of a credential that cannot be read, or of a domain it does not know", async () => {
    const policy = preparePolicy(encodePolicy(defaultPolicy({})));
    const basis = { policy, provider: nodeProvider, time: now, timeSource: "pin" as const };
    for (const certificates of [[], [Uint8Array.of(1)], [der, issuing.der]]) {
      const presented = { certificates, signatureKey: key.spki.slice(-32), signatureScheme: 0x0807 };
      const { local } = await verifyCredential(presented, { user: USER }, basis, { time: now + 1, crls: crls(serial) });
      expect(local).toEqual({ time: now + 1, reasons: [] });
    }
  });

  it("is told of a newer list as a warning", async () => {
    const devices: DeviceEvidence = {
      list: { format: 1, identity: USER, version: 9, previousHash: digest("8"), origin: "renewal", devices: [] },
      logId: LOG_ID,
      position: 20,
      provenAt: now,
      source: "search",
    };
    expect(await seen({ devices })).toEqual(["unlogged warning certificates[0]"]);
  });

  const { root, issuing } = usualChain();
  const serial = nextSerial();
  const key = ed25519Key("leaf");
  const der = profileLeaf(issuing, { points: null }, { serial });
  const domain = new URL(USER).host;
  const domains = { [domain]: { anchors: [toBase64Url(root.der)], logId: toBase64Url(LOG_ID) } };
  const now = Date.UTC(2026, 5) / 1000;
  const crls = (...revoked: Uint8Array[]) =>
    [
      certificateList({ issuer: root }),
      certificateList({ issuer: issuing, entries: revoked.map((one) => ({ serial: one })) }),
    ].map(parseCertificateList);
  const seen = async (local: Partial<LocalKnowledge>, change: Partial<ValidationPolicy> = {}) => {
    const policy = preparePolicy(encodePolicy({ ...defaultPolicy(domains), ...change }));
    const basis = { policy, provider: nodeProvider, time: now, timeSource: "pin" as const };
    const presented = { certificates: [der, issuing.der], signatureKey: key.spki.slice(-32), signatureScheme: 0x0807 };
    const { local: view } = await verifyCredential(presented, { user: USER }, basis, { time: now, ...local });
    return view?.reasons.map(({ code, severity, path }) => `${code} ${severity} ${path}`);
  };

  it("is told as warnings: expiry by its clock, and what CRLs say", async () => {
    expect(await seen({})).toEqual([]);
    expect(await seen({ crls: crls() })).toEqual([]);
    expect(await seen({ crls: crls(serial) })).toEqual(["revoked warning path[0]"]);
    // Open is no finding, unless the policy wants CRLs.
    const [ofRoot] = crls();
    expect(await seen({ crls: ofRoot === undefined ? [] : [ofRoot] })).toEqual([]);
    const strict = { revocation: "log-and-crl" as const };
    expect(await seen({ crls: crls() }, strict)).toEqual([]);
    expect(await seen({}, strict)).toEqual([
      "revocation-undetermined warning path[1]",
      "revocation-undetermined warning path[0]",
    ]);
    expect(await seen({ ocsp: [] }, strict)).toHaveLength(2);
    // OCSP alone is looked at as well, and what it leaves open is no finding.
    const answer = (status: "good" | "revoked") => [
      parseOcspResponse(ocspResponse({ issuer: issuing, serial, status })),
    ];
    expect(await seen({ ocsp: answer("revoked") })).toEqual(["revoked warning path[0]"]);
    expect(await seen({ ocsp: answer("good") })).toEqual([]);
    expect(await seen({ crls: crls(serial), ocsp: answer("good") })).toEqual(["revoked warning path[0]"]);
    const late = (await seen({ time: now + 5 * 366 * DAY })) ?? [];
    expect(late.length).toBeGreaterThan(0);
    expect(late.every((reason) => reason.startsWith("expired warning"))).toBe(true);
  });
});
