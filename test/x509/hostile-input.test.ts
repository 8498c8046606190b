import { readFileSync } from "node:fs";
import {
  type Certificate,
  CertificateError,
  checkMlsProfile,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  SignatureMemo,
  validatePath,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pemBytes, type X509Case } from "../conformance/x509.js";
import {
  certificate,
  certificateList,
  dns,
  email,
  extension,
  ip,
  name,
  nameConstraints,
  uri,
} from "./certificate-builder.js";
import { element, integer, nullValue, oid, sequence } from "./der-writer.js";
import { bareKey } from "./signing-keys.js";
import { authority, leaf, NAMES, usualChain } from "./world.js";

const TIME = Date.UTC(2026, 5) / 1000;
const suite = JSON.parse(readFileSync(new URL("../vectors/x509-mls/x509-mls.json", import.meta.url), "utf8")) as {
  testcases: (X509Case & { crls: string[]; ocsp_responses: string[] })[];
};
const certificates = [...new Set(suite.testcases.map(({ peer_certificate }) => peer_certificate))].map(pemBytes);
const crls = [...new Set(suite.testcases.flatMap((testcase) => testcase.crls))].map(pemBytes);
const responses = [...new Set(suite.testcases.flatMap((testcase) => testcase.ocsp_responses))].map(pemBytes);

type Mutation = { readonly at: number; readonly octet: number; readonly kind: "set" | "insert" | "remove" | "cut" };
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  octet: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x30, 0x80, 0x84, 0xff, 0)),
  kind: fc.constantFrom("set", "set", "set", "insert", "remove", "cut"),
});

function mutate(der: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  const octets = [...der];
  for (const { at, octet, kind } of mutations) {
    const index = Math.floor(at * octets.length);
    if (kind === "set") octets[index] = octet;
    else if (kind === "insert") octets.splice(index, 0, octet);
    else if (kind === "remove") octets.splice(index, 1);
    else octets.length = index;
  }
  return Uint8Array.from(octets);
}

/** The parsed structure, or undefined when it was refused with the package's own error. */
function read<T>(parse: (der: Uint8Array) => T, der: Uint8Array): T | undefined {
  try {
    return parse(der);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

describe("hostile bytes", () => {
  it.each([
    ["certificates", parseCertificate, certificates],
    ["CRLs", parseCertificateList, crls],
    ["OCSP responses", parseOcspResponse, responses],
  ] as const)("%s: any mutation is read or refused with a CertificateError", (_, parse, seeds) => {
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 5 }), (der, mutations) => {
        read<unknown>(parse, mutate(der, mutations));
      }),
      { numRuns: 4000 },
    );
  });

  it("random bytes are read or refused with a CertificateError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        for (const parse of [parseCertificate, parseCertificateList, parseOcspResponse]) read<unknown>(parse, noise);
        read(parseCertificate, sequence(noise));
      }),
      { numRuns: 2000 },
    );
  });

  it("deep nesting is refused in time that does not grow with its square", () => {
    let nested = new Uint8Array(0);
    for (let depth = 0; depth < 3000; depth += 1) nested = Uint8Array.from(element(0x30, nested));
    const start = performance.now();
    expect(read(parseCertificate, nested)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(500);
  });

  it("no certificate with a flipped bit is valid", async () => {
    const { root, issuing } = usualChain();
    const [anchors, intermediates] = [[parseCertificate(root.der)], [parseCertificate(issuing.der)]];
    const memo = new SignatureMemo();
    const judge = async (der: Uint8Array): Promise<boolean> => {
      const flipped = read<Certificate>(parseCertificate, der);
      if (flipped === undefined) return false;
      return (await validatePath({ leaf: flipped, intermediates, anchors, time: TIME, provider: nodeProvider, memo }))
        .valid;
    };
    const der = leaf(issuing);
    expect(await judge(der)).toBe(true);
    for (let bit = 0; bit < 8 * der.length; bit += 3)
      expect(await judge(der.map((octet, index) => (index === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)))).toBe(
        false,
      );
  });
});

describe("bounded work", () => {
  it("reads a CRL of 50,000 entries in linear time", () => {
    const entries = Array.from({ length: 50_000 }, (_, index) => ({ serial: integer(index + 1) }));
    const der = certificateList({ issuer: authority("Root"), entries });
    const start = performance.now();
    const list = parseCertificateList(der);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(list.size).toBe(50_000);
    expect(list.find(list.issuer, "00c350")).toBeDefined();
    expect(list.find(list.issuer, "00c351")).toBeUndefined();
  });

  it("gives up on a mesh of cross certificates that leads nowhere, and says so", async () => {
    const cas = Array.from({ length: 24 }, (_, index) => authority(`Mesh ${index}`));
    const mesh = cas.flatMap((subject, index) =>
      cas.flatMap((issuer, other) =>
        index === other ? [] : [authority(`Mesh ${index}`, issuer, { key: subject.key }).der],
      ),
    );
    const forged = authority("Root", undefined, { key: authority("Mallory").key });
    const entry = authority("Mesh 0", forged).der;
    const [first] = cas;
    if (first === undefined) throw new Error("no CA");
    const intermediates = [...mesh, entry].map(parseCertificate);
    const inputs = {
      intermediates,
      anchors: [parseCertificate(authority("Root").der)],
      time: TIME,
      provider: nodeProvider,
    };
    const start = performance.now();
    const result = await validatePath({ ...inputs, leaf: parseCertificate(leaf(first)) });
    expect(performance.now() - start).toBeLessThan(5000);
    expect(result.valid).toBe(false);
    if (!result.valid) expect(result.reasons.map(({ code }) => code)).toContain("limit-exceeded");
  });

  // Each of these took half a minute, gigabytes or an error of the engine's own before it was bounded.
  it("keeps a long issuer's name once for all entries of a CRL", () => {
    const issuer = authority("Root", undefined, { subject: name(["CN", "a".repeat(100_000)]) });
    const entries = Array.from({ length: 20_000 }, (_, index) => ({ serial: integer(index + 1) }));
    const list = parseCertificateList(certificateList({ issuer, entries }));
    expect(list.size).toBe(20_000);
    expect(list.find(list.issuer, "4e20")).toBeDefined();
    expect(list.find(parseCertificate(authority("Root").der).subject, "4e20")).toBeUndefined();
  });

  it("looks at each of many useless intermediates a few times only", async () => {
    const { root, issuing } = usualChain();
    const useless = Array.from({ length: 16_000 }, (_, index) =>
      certificate({
        subject: issuing.name,
        issuer: root.name,
        subjectKey: issuing.key,
        signer: bareKey(issuing.key.spki),
        extensions: [],
        serial: integer(index + 1),
      }),
    );
    const result = await validatePath({
      leaf: parseCertificate(leaf(issuing)),
      intermediates: useless.map(parseCertificate),
      anchors: [parseCertificate(root.der)],
      time: TIME,
      provider: nodeProvider,
    });
    expect(result.valid).toBe(false);
  });

  it("refuses named bits and integers beyond all that are in use", () => {
    const { issuing } = usualChain();
    const bits = element(
      3,
      Uint8Array.from({ length: 3_000_001 }, (_, index) => (index === 0 ? 0 : 0xff)),
    );
    expect(read(parseCertificate, leaf(issuing, { usage: extension("2.5.29.15", true, bits) }))).toBeUndefined();
    const modulus = element(
      2,
      Uint8Array.from({ length: 4_000_000 }, () => 0x7f),
    );
    const key = element(3, Uint8Array.from([0, ...sequence(integer(1))]));
    const algorithm = sequence(oid("1.2.840.113549.1.1.1"), nullValue);
    expect(read(parseCertificate, leaf(issuing, {}, { key: bareKey(sequence(algorithm, key)) }))).toBeUndefined();
    const huge = element(3, Buffer.concat([Uint8Array.of(0), sequence(modulus, integer(65_537))]));
    expect(read(parseCertificate, leaf(issuing, {}, { key: bareKey(sequence(algorithm, huge)) }))).toBeUndefined();
  });

  it("judges names of any length and number", async () => {
    const { root, issuing } = usualChain();
    const endless = "a".repeat(12_000_000);
    const of = (names: readonly Uint8Array[]) =>
      parseCertificate(leaf(issuing, { names: extension("2.5.29.17", true, element(0x30, Buffer.concat(names))) }));
    const judge = async (judged: Certificate) =>
      await validatePath({
        leaf: judged,
        intermediates: [parseCertificate(issuing.der)],
        anchors: [parseCertificate(root.der)],
        time: TIME,
        provider: nodeProvider,
      });
    for (const long of [
      uri(`urn:${endless}`),
      uri(`http://${endless}@x.example`),
      email(`${endless}@x.example`),
      email(`"${endless}"@x.example`),
      email(`${"a.".repeat(6_000_000)}a@x.example`),
      dns(endless),
    ]) {
      const judged = of([...NAMES, long]);
      expect((await judge(judged)).valid).toBe(false);
      expect(checkMlsProfile(judged).length).toBeGreaterThan(0);
    }
    const many = of(Array.from({ length: 40_000 }, () => uri("x:")));
    expect(checkMlsProfile(many).length).toBeGreaterThan(40_000);
    const elsewhere = await judge(of(Array.from({ length: 120_000 }, () => ip(11, 0, 0, 1))));
    expect(elsewhere).toMatchObject({ valid: false });
    if (!elsewhere.valid) expect(elsewhere.reasons.at(-1)?.path).toBe("path[0].subjectAltName[119999]");
  });

  it("counts comparisons of names over all paths", async () => {
    const { root, issuing } = usualChain();
    const again = authority("Issuing", root, {
      key: issuing.key,
      extensions: { more: [nameConstraints([uri("x.example")])] },
    });
    const other = authority("Issuing", root, {
      key: issuing.key,
      extensions: { more: [nameConstraints([uri("y.example")])] },
    });
    const inputs = {
      leaf: parseCertificate(leaf(issuing)),
      intermediates: [again, other].map(({ der }) => parseCertificate(der)),
      anchors: [parseCertificate(root.der)],
      time: TIME,
      provider: nodeProvider,
    };
    const codes = async (maxNameComparisons: number) => {
      const result = await validatePath({ ...inputs, limits: { maxNameComparisons } });
      return result.valid ? [] : result.reasons.map(({ code }) => code);
    };
    expect(await codes(4)).toEqual(["name-constraint", "name-constraint"]);
    expect(await codes(2)).toEqual(["limit-exceeded"]);
  });

  it("ends with the signature checks it may make, however many CRLs and signers there are", async () => {
    const { root, issuing } = usualChain();
    const forger = authority("Issuing", root, { key: authority("Forger").key });
    const forged = Array.from({ length: 1500 }, (_, index) =>
      parseCertificateList(
        certificateList({ issuer: { ...issuing, key: authority("Nobody").key }, number: index + 1 }),
      ),
    );
    const signers = Array.from({ length: 1500 }, () => parseCertificate(forger.der));
    const result = await validatePath({
      leaf: parseCertificate(leaf(issuing)),
      intermediates: [parseCertificate(issuing.der), ...signers],
      anchors: [parseCertificate(root.der)],
      time: TIME,
      provider: nodeProvider,
      crls: forged,
    });
    expect(result.valid).toBe(false);
  });
});

describe("a clock that says nothing", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%s is in no validity", async (time) => {
    const { root, issuing } = usualChain();
    const result = await validatePath({
      leaf: parseCertificate(leaf(issuing)),
      intermediates: [parseCertificate(issuing.der)],
      anchors: [parseCertificate(root.der)],
      time,
      provider: nodeProvider,
    });
    expect(result.valid).toBe(false);
  });
});
