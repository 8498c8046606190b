import { readFileSync } from "node:fs";
import {
  type Certificate,
  CertificateError,
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
import { certificateList } from "./certificate-builder.js";
import { element, integer, sequence } from "./der-writer.js";
import { authority, leaf, usualChain } from "./world.js";

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
      const certificate = read<Certificate>(parseCertificate, der);
      if (certificate === undefined) return false;
      return (
        await validatePath({ leaf: certificate, intermediates, anchors, time: TIME, provider: nodeProvider, memo })
      ).valid;
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
});
