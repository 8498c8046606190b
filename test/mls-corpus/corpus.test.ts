import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { KeyPackage } from "@mls-as/mls-core";
import { decode } from "@mls-as/tls-codec";
import { expect, test } from "vitest";
import type { Outcome } from "../conformance/main.js";
import { runMls } from "../conformance/mls.js";
import { corpus } from "./corpus.js";

const NAMES = ["ed25519", "p256", "p384", "p521"].map((name) => `mls-x509-${name}.json`);
const pathOf = (name: string): string => fileURLToPath(new URL(`../vectors/mls-x509/${name}`, import.meta.url));

test("the published x509 corpus is what the generator makes", async () => {
  const files = await corpus();
  expect([...files.keys()]).toEqual(NAMES);
  for (const [name, content] of files) {
    if (process.env["MLS_AS_WRITE_VECTORS"] === "1") writeFileSync(pathOf(name), content);
    expect(readFileSync(pathOf(name), "utf8") === content, `${name} is as generated`).toBe(true);
  }
});

test("every case of the x509 corpus is judged as it says", async () => {
  const outcomes: Outcome[] = [];
  await runMls(NAMES.map(pathOf), (outcome) => outcomes.push(outcome));
  expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(200);
});

test.each(NAMES)("the certificates in %s are what OpenSSL takes them for", (name) => {
  const cases = JSON.parse(readFileSync(pathOf(name), "utf8")) as readonly { name: string; encoded: string }[];
  const valid = cases.find((entry) => entry.name === "valid");
  const { credential } = decode(KeyPackage, Uint8Array.from(Buffer.from(valid?.encoded ?? "", "hex"))).leafNode;
  if (credential.credentialType !== "x509") throw new Error("not an x509 credential");
  const [client, issuer] = credential.certificates.map((der) => new X509Certificate(der));
  if (client === undefined || issuer === undefined) throw new Error("not a chain of two");
  expect(client.verify(issuer.publicKey)).toBe(true);
  expect(client.checkIssued(issuer)).toBe(true);
  expect(issuer.ca).toBe(true);
  expect(client.subjectAltName).toBe("URI:mimi://example.org/u/alice, URI:mimi://example.org/d/alice/phone");
});
