import {
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  type PathResult,
  SignatureMemo,
  validatePath,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";
import { describe, expect, it } from "vitest";
import { countingProvider } from "../counting-provider.js";
import {
  authorityKeyIdentifier,
  basicConstraints,
  certificateList,
  extendedKeyUsage,
  extension,
  keyUsage,
  nameConstraints,
  nextSerial,
  ocspResponse,
  uri,
} from "./certificate-builder.js";
import { nullValue, time as derTime } from "./der-writer.js";
import { ed25519Key } from "./signing-keys.js";
import { authority, leaf, NO_NAME, usualChain } from "./world.js";

const TIME = Date.UTC(2026, 5) / 1000;
type Inputs = Parameters<typeof validatePath>[0];

const codes = (result: PathResult): string[] => (result.valid ? [] : result.reasons.map(({ code }) => code));
const subjects = ({ path }: PathResult): string[] => path.map(({ subject }) => subject.key);

/** The usual chain, with CRLs of both CAs when asked for. */
function scene() {
  const { root, issuing } = usualChain();
  const serial = nextSerial();
  const inputs: Inputs = {
    leaf: parseCertificate(leaf(issuing, { points: null }, { serial })),
    intermediates: [parseCertificate(issuing.der)],
    anchors: [parseCertificate(root.der)],
    time: TIME,
    provider: nodeProvider,
  };
  const crl = (issuer: typeof root, ...revoked: Uint8Array[]) =>
    parseCertificateList(certificateList({ issuer, entries: revoked.map((one) => ({ serial: one, reason: 1 })) }));
  return { root, issuing, serial, inputs, crl };
}

describe("the bounds of a search", () => {
  it("stop it exactly where they say, with that as the reason", async () => {
    const { inputs } = scene();
    // Leaf by issuing CA, issuing CA by root; a step for each certificate whose issuers are looked for at each depth.
    for (const [limit, needed] of [
      ["maxSignatureChecks", 2],
      ["maxSteps", 3],
    ] as const)
      for (let allowed = 0; allowed <= needed + 1; allowed++) {
        const result = await validatePath({ ...inputs, limits: { [limit]: allowed }, memo: new SignatureMemo() });
        expect(result.valid, `${limit} ${allowed}`).toBe(allowed >= needed);
        if (!result.valid)
          expect(result.reasons.at(-1)).toEqual({
            code: "limit-exceeded",
            section: "RFC 5280, Security Considerations",
            path: "path",
            detail: expect.any(String),
          });
      }
    const none = await validatePath({ ...inputs, limits: { maxIntermediates: 0 } });
    expect(codes(none)).toEqual(["untrusted"]);
    expect((await validatePath({ ...inputs, limits: { maxIntermediates: 1 } })).valid).toBe(true);
  });

  it("end when too many whole paths were judged, with what was found until then", async () => {
    const { root, inputs, issuing } = scene();
    const expired = Array.from({ length: 258 }, () =>
      parseCertificate(authority("Issuing", root, { key: issuing.key, notAfter: derTime("2026-03-01T00:00:00Z") }).der),
    );
    const limits = { maxSignatureChecks: 10_000 };
    const some = await validatePath({ ...inputs, intermediates: expired.slice(0, 256), limits });
    expect(codes(some)).toEqual(["expired"]);
    const many = await validatePath({ ...inputs, intermediates: expired, limits });
    expect(codes(many)).toEqual(["expired", "limit-exceeded"]);
    // A valid path that comes in time is found all the same.
    expect(
      (await validatePath({ ...inputs, intermediates: [...inputs.intermediates, ...expired], limits })).valid,
    ).toBe(true);
  });
});

describe("comparisons of names", () => {
  it("are counted over permitted and excluded subtrees, and end at their bound", async () => {
    for (const [permitted, excluded, needed] of [
      [["mls.example"], [], 2],
      [["mls.example"], ["other.example"], 4],
      [[], ["other.example", "another.example"], 4],
    ] as const) {
      const more = [nameConstraints(permitted.map(uri), excluded.map(uri))];
      const { root, issuing } = usualChain({ more });
      const inputs = {
        leaf: parseCertificate(leaf(issuing)),
        intermediates: [parseCertificate(issuing.der)],
        anchors: [parseCertificate(root.der)],
        time: TIME,
        provider: nodeProvider,
      };
      for (let allowed = 0; allowed <= needed + 1; allowed++) {
        const result = await validatePath({ ...inputs, limits: { maxNameComparisons: allowed } });
        expect(result.valid, `${allowed} of ${needed}`).toBe(allowed >= needed);
        if (!result.valid)
          expect(result.reasons).toMatchObject([{ code: "limit-exceeded", path: expect.stringMatching(/^path\[0\]/) }]);
      }
    }
  });
});

describe("of several paths", () => {
  it("the one with the fewest reasons is told of, in whatever order they are found", async () => {
    const { root, inputs, issuing } = scene();
    const late = derTime("2026-03-01T00:00:00Z");
    const one = parseCertificate(authority("Issuing", root, { key: issuing.key, notAfter: late }).der);
    const two = parseCertificate(
      authority("Issuing", root, { key: issuing.key, notAfter: late, extensions: { basic: basicConstraints(false) } })
        .der,
    );
    for (const intermediates of [
      [one, two],
      [two, one],
      [two, one, two],
    ]) {
      const result = await validatePath({ ...inputs, intermediates });
      expect(codes(result)).toEqual(["expired"]);
      expect(result.path[1]).toBe(one);
    }
    // Of two that are as bad as each other, the one that was found first.
    const late2 = derTime("2026-04-01T00:00:00Z");
    const other = parseCertificate(authority("Issuing", root, { key: issuing.key, notAfter: late2 }).der);
    expect((await validatePath({ ...inputs, intermediates: [one, other] })).path[1]).toBe(one);
    expect((await validatePath({ ...inputs, intermediates: [other, one] })).path[1]).toBe(other);
    const worse = await validatePath({ ...inputs, intermediates: [two] });
    expect(codes(worse).length).toBeGreaterThan(1);
    expect(new Set(codes(worse))).toContain("not-a-ca");
  });

  it("and of none, the longest chain and what was rejected on the way", async () => {
    const { inputs, issuing } = scene();
    const other = parseCertificate(authority("Other root").der);
    const short = await validatePath({ ...inputs, intermediates: [], anchors: [other] });
    expect(subjects(short)).toEqual([inputs.leaf.subject.key]);
    expect(short.valid ? [] : short.reasons[0]).toMatchObject({ code: "untrusted", path: "path[0]" });
    const forged = parseCertificate(authority("Root", undefined, { key: authority("Mallory").key }).der);
    const long = await validatePath({ ...inputs, anchors: [forged] });
    expect(subjects(long)).toEqual([inputs.leaf.subject.key, parseCertificate(issuing.der).subject.key]);
    expect(codes(long)).toEqual(["untrusted", "bad-signature"]);
    expect(long.valid ? [] : long.reasons.map(({ path }) => path)).toEqual([
      "path[1]",
      expect.stringMatching(/^path\[1\]/),
    ]);
    expect(subjects(await validatePath(inputs))).toHaveLength(3);
  });

  it("the longest chain is the first of its length, and no later shorter one", async () => {
    const { root, inputs, issuing } = scene();
    const elsewhere = parseCertificate(authority("Elsewhere").der);
    const [above, beside] = [authority("Above", authority("Elsewhere")), authority("Beside", authority("Elsewhere"))];
    const below = (issuer: typeof root) => parseCertificate(authority("Issuing", issuer, { key: issuing.key }).der);
    const [long, alike, short] = [below(above), below(beside), below(authority("Elsewhere"))];
    const forged = parseCertificate(authority("Elsewhere", undefined, { key: authority("Mallory").key }).der);
    expect(elsewhere.subject.key).toBe(forged.subject.key);
    const intermediates = [long, alike, short, ...[above, beside].map(({ der }) => parseCertificate(der))];
    const result = await validatePath({ ...inputs, anchors: [forged], intermediates });
    expect(result.path.map(({ subject }) => subject.key)).toEqual(
      [inputs.leaf, long, parseCertificate(above.der)].map(({ subject }) => subject.key),
    );
    expect(result.path[1]).toBe(long);
  });

  it("tells of so many rejected candidates, and no more", async () => {
    const { inputs, root } = scene();
    const forged = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        parseCertificate(
          authority("Issuing", root, { key: authority(`Mallory ${index}`).key, extensions: { ski: null } }).der,
        ),
      );
    for (const [count, told] of [
      [31, 31],
      [32, 32],
      [33, 32],
    ] as const) {
      const result = await validatePath({ ...inputs, intermediates: forged(count) });
      expect(codes(result)).toEqual(["untrusted", ...Array.from({ length: told }, () => "bad-signature")]);
    }
  });

  it("a certificate that leads nowhere is told what is wrong with itself, but for what the caller processes", async () => {
    const { inputs, issuing } = scene();
    const strange = extension("1.3.6.1.4.1.32473.99", true, nullValue);
    const alone = { ...inputs, leaf: parseCertificate(leaf(issuing, { more: [strange] })), intermediates: [] };
    expect(codes(await validatePath(alone))).toEqual(["untrusted", "unknown-critical-extension"]);
    const understoodCriticalExtensions = ["1.3.6.1.4.1.32473.99"];
    expect(codes(await validatePath({ ...alone, understoodCriticalExtensions }))).toEqual(["untrusted"]);
  });

  it("an anchor may be the leaf itself, and need not be self-issued", async () => {
    const { inputs, root } = scene();
    const aki = authorityKeyIdentifier(root.key);
    const self = parseCertificate(authority("Root", undefined, { extensions: { aki } }).der);
    const itself = await validatePath({ ...inputs, leaf: self, intermediates: [], anchors: [self] });
    expect(itself).toMatchObject({ valid: true, path: [self, self] });
    // The issuing CA as anchor: nothing lies between it and the leaf.
    const anchors = inputs.intermediates;
    const below = { ...inputs, anchors, intermediates: [] };
    expect(await validatePath({ ...below, limits: { maxIntermediates: 0 } })).toMatchObject({ valid: true });
    const middle = authority("Middle", root);
    const lower = authority("Lower", middle);
    const chain = {
      ...inputs,
      leaf: parseCertificate(leaf(lower, { points: null })),
      intermediates: [parseCertificate(lower.der)],
      anchors: [parseCertificate(middle.der)],
    };
    expect(await validatePath({ ...chain, limits: { maxIntermediates: 1 } })).toMatchObject({ valid: true });
    expect(codes(await validatePath({ ...chain, limits: { maxIntermediates: 0 } }))).toEqual(["untrusted"]);
  });

  it("a certificate given many times is one candidate", async () => {
    const { inputs, root, issuing } = scene();
    const { provider, verified } = countingProvider();
    const [one] = inputs.intermediates;
    if (one === undefined) throw new Error("there is an issuing CA");
    const two = authority("Issuing", root, { key: issuing.key });
    const copies = Array.from({ length: 40 }, (_, index) => parseCertificate((index % 2 ? one : two).der.slice()));
    // The leaf is not valid yet: every path is judged.
    const result = await validatePath({ ...inputs, provider, intermediates: copies, time: Date.UTC(2025, 5) / 1000 });
    expect(new Set(codes(result))).toEqual(new Set(["not-yet-valid"]));
    // The leaf with the key of each of the two, each of the two with the root's.
    expect(verified.length).toBeLessThanOrEqual(4);
  });
});

describe("critical extensions", () => {
  it("are those of RFC 5280, and what the caller processes", async () => {
    const { inputs, issuing } = scene();
    const strange = parseCertificate(
      leaf(issuing, { points: null, more: [extension("1.3.6.1.4.1.32473.99", true, nullValue)] }),
    );
    const judge = (understoodCriticalExtensions?: string[]) =>
      validatePath({ ...inputs, leaf: strange, ...(understoodCriticalExtensions && { understoodCriticalExtensions }) });
    expect(codes(await judge())).toEqual(["unknown-critical-extension"]);
    expect(codes(await judge([]))).toEqual(["unknown-critical-extension"]);
    expect(codes(await judge(["1.3.6.1.4.1.32473.98"]))).toEqual(["unknown-critical-extension"]);
    expect(await judge(["1.3.6.1.4.1.32473.99"])).toMatchObject({ valid: true });
  });
});

describe("revocation", () => {
  it("is looked at as the mode says, and by default where there is something to look at", async () => {
    const { inputs, root, issuing, serial, crl } = scene();
    const judge = (change: Partial<Inputs>) => validatePath({ ...inputs, ...change });
    const [good, revoked] = [
      [crl(root), crl(issuing)],
      [crl(root), crl(issuing, serial)],
    ];
    for (const mode of [{}, { revocation: "none" }] as const)
      expect(await judge(mode)).toMatchObject({ valid: true, warnings: [] });
    expect(await judge({ revocation: "none", crls: revoked })).toMatchObject({ valid: true, warnings: [] });
    for (const mode of [{}, { revocation: "if-available" }, { revocation: "required" }] as const) {
      expect(await judge({ ...mode, crls: good })).toMatchObject({ valid: true, warnings: [] });
      expect(codes(await judge({ ...mode, crls: revoked }))).toEqual(["revoked"]);
    }
    expect(codes(await judge({ revocation: "required" }))).toEqual([
      "revocation-undetermined",
      "revocation-undetermined",
    ]);
    const open = await judge({ revocation: "if-available" });
    expect(open).toMatchObject({
      valid: true,
      warnings: [
        { code: "revocation-undetermined", path: "path[1]" },
        { code: "revocation-undetermined", path: "path[0]" },
      ],
    });
    // What is revoked is refused; what is open besides is no reason.
    const half = await judge({ revocation: "if-available", crls: [crl(issuing, serial)] });
    expect(half.valid ? [] : half.reasons).toMatchObject([{ code: "revoked", path: "path[0]" }]);
    expect(codes(await judge({ revocation: "required", crls: [crl(issuing, serial)] }))).toEqual([
      "revocation-undetermined",
      "revoked",
    ]);
    // What OCSP says counts by default as well.
    const answer = (status: "good" | "revoked") => [
      parseOcspResponse(ocspResponse({ issuer: issuing, serial, status })),
    ];
    expect(codes(await judge({ ocsp: answer("revoked") }))).toEqual(["revocation-undetermined", "revoked"]);
    expect(codes(await judge({ ocsp: answer("good") }))).toEqual(["revocation-undetermined"]);
    // A path that is refused anyway is not asked about.
    const refused = await judge({ crls: revoked, extendedKeyUsages: ["1.3.6.1.5.5.7.3.1"] });
    expect(codes(refused)).toEqual(["extended-key-usage"]);
    expect(codes(await judge({ crls: revoked, time: Date.UTC(2028, 5) / 1000 }))).not.toContain("revoked");
  });

  it("verifies each CRL once with each key, within the same bounds as the search", async () => {
    const { inputs, root, issuing, serial } = scene();
    const list = (options: object) => parseCertificateList(certificateList({ issuer: issuing, ...options }));
    const base = list({ number: 10 });
    const crls = [
      parseCertificateList(certificateList({ issuer: root })),
      base,
      list({ number: 11, base: 10 }),
      list({
        number: 12,
        base: 10,
        entries: [{ serial, reason: 1 }],
        signature: (octets: Uint8Array) => octets.fill(1),
      }),
    ];
    const { provider, verified } = countingProvider();
    expect(await validatePath({ ...inputs, crls, provider })).toMatchObject({ valid: true });
    expect(verified.filter((octets) => octets === base.tbs)).toHaveLength(1);
    // Two certificates, the four lists.
    expect(verified).toHaveLength(6);
    for (let allowed = 0; allowed <= 7; allowed++) {
      const result = await validatePath({ ...inputs, crls, limits: { maxSignatureChecks: allowed } });
      expect(result.valid, `${allowed}`).toBe(allowed >= 6);
      if (!result.valid) expect(codes(result)).toContain("limit-exceeded");
    }
  });

  it("asks of CRL issuers and OCSP responders what it asks of others, with the caller's extensions", async () => {
    const { inputs, root, issuing, serial } = scene();
    const strange = extension("1.3.6.1.4.1.32473.99", true, nullValue);
    const usage = keyUsage(["cRLSign", "digitalSignature"]);
    const signer = authority("Signer", root, { subject: issuing.name, extensions: { usage, more: [strange] } });
    const key = ed25519Key("Responder");
    const more = [extension("1.3.6.1.5.5.7.48.1.5", false, nullValue), strange];
    const purposes = extendedKeyUsage(["1.3.6.1.5.5.7.3.9"]);
    const responder = { name: NO_NAME, key, der: leaf(issuing, { purposes, more, points: null }, { key }) };
    const rootCrl = parseCertificateList(certificateList({ issuer: root }));
    const ways: Partial<Inputs>[] = [
      {
        intermediates: [...inputs.intermediates, parseCertificate(signer.der)],
        crls: [rootCrl, parseCertificateList(certificateList({ issuer: signer }))],
      },
      {
        crls: [rootCrl],
        ocsp: [
          parseOcspResponse(ocspResponse({ issuer: issuing, serial, status: "good", signer: responder, byKey: true })),
        ],
      },
    ];
    for (const way of ways) {
      expect(codes(await validatePath({ ...inputs, ...way }))).toEqual(["revocation-undetermined"]);
      const understoodCriticalExtensions = ["1.3.6.1.4.1.32473.99"];
      expect(await validatePath({ ...inputs, ...way, understoodCriticalExtensions })).toMatchObject({ valid: true });
    }
  });
});
