import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { serve } from "@hono/node-server";
import { afterAll, expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { type Answer, LAPTOP, octets, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { buildRevocationList } from "../x509/certificate-revocation-list.js";
import { checkDer, pem } from "../x509/der.js";

const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "mls-as-openssl-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const opensslAsync = async (...args: string[]): Promise<string> => (await promisify(execFile)("openssl", args)).stdout;
const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));
function listen(service: TestService): Promise<string> {
  return new Promise((resolve) => {
    const server = serve({ fetch: service.app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    servers.push(server as Server);
  });
}

function chain(service: TestService, answer: Answer): { leaf: string; issuer: string; anchor: string; serial: string } {
  const [issued] = answer.body.credentials ?? [];
  const issuer = service.context
    .issuers()
    .find(({ certificate }) => Buffer.compare(certificate, octets(issued?.issuer)) === 0);
  const root = service.context.authorities.roots.find(({ id }) => id === issuer?.root);
  return {
    leaf: file("leaf.pem", pem("CERTIFICATE", octets(issued?.leaf))),
    issuer: file("issuer.pem", pem("CERTIFICATE", octets(issued?.issuer))),
    anchor: file("root.pem", pem("CERTIFICATE", root?.certificate ?? new Uint8Array())),
    serial: issued?.serial ?? "",
  };
}

async function crlOf(service: TestService, leafText: string): Promise<Uint8Array> {
  const url = /URI:(http:\/\/as\.test\/crl\/\S+)/.exec(leafText)?.[1] ?? "";
  const response = await service.app.request(url);
  expect(response.headers.get("content-type")).toBe("application/pkix-crl");
  return new Uint8Array(await response.arrayBuffer());
}

test.skipIf(!HAS_OPENSSL).each(["Ed25519", "P-256"] as const)(
  "OpenSSL believes the %s chain, its CRL and its OCSP answers (needs openssl)",
  async (algorithm) => {
    const service = await TestService.create();
    const answer = await service.enrol(PHONE, subjectKeyPair(algorithm));
    const { leaf, issuer, anchor } = chain(service, answer);
    const verify = (...more: string[]): string => {
      try {
        return openssl("verify", "-x509_strict", "-CAfile", anchor, "-untrusted", issuer, ...more, leaf);
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(verify()).toContain("OK");
    const url = await listen(service);
    const ask = (...more: string[]): Promise<string> =>
      opensslAsync(
        "ocsp",
        "-issuer",
        issuer,
        "-CAfile",
        anchor,
        "-sha256",
        "-cert",
        leaf,
        "-url",
        `${url}/ocsp`,
        ...more,
      );
    const request = join(folder, "request.der");
    await ask("-reqout", request);
    const got = await fetch(`${url}/ocsp/${encodeURIComponent(Buffer.from(readFileSync(request)).toString("base64"))}`);
    expect([got.status, got.headers.get("content-type"), (await got.arrayBuffer()).byteLength > 200]).toEqual([
      200,
      "application/ocsp-response",
      true,
    ]);
    expect(await ask()).toMatch(/leaf\.pem: good/);

    const text = openssl("x509", "-in", leaf, "-noout", "-text");
    const empty = await crlOf(service, text);
    checkDer(empty);
    expect(verify("-crl_check", "-CRLfile", file("empty.pem", pem("X509 CRL", empty)))).toContain("OK");

    await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "keyCompromise" });
    expect(await ask()).toMatch(/leaf\.pem: revoked\s[\s\S]*keyCompromise/);
    const full = await crlOf(service, text);
    expect(verify("-crl_check", "-CRLfile", file("full.pem", pem("X509 CRL", full)))).toContain("certificate revoked");
  },
);

test("OCSP: what is not a request is malformed, other issuers are not ours, unknown serials are unknown", async () => {
  const service = await TestService.create();
  const post = async (body: Uint8Array): Promise<string> => {
    const response = await service.app.request("http://as.test/ocsp", {
      method: "POST",
      body: new Uint8Array(body),
      headers: { "content-type": "application/ocsp-request" },
    });
    return Buffer.from(await response.arrayBuffer()).toString("hex");
  };
  expect(await post(new Uint8Array(5))).toBe("30030a0101");
  const answer = await service.enrol(LAPTOP);
  const { leaf, issuer, anchor } = chain(service, answer);
  openssl("ocsp", "-issuer", anchor, "-cert", leaf, "-reqout", join(folder, "other.der"));
  expect(await post(readFileSync(join(folder, "other.der")))).toBe("30030a0106");
  const url = await listen(service);
  const text = await opensslAsync(
    "ocsp",
    "-issuer",
    issuer,
    "-CAfile",
    anchor,
    "-serial",
    "12345",
    "-url",
    `${url}/ocsp`,
  );
  expect(text).toContain("12345: unknown");
});

test("lists that do not exist are not made", async () => {
  const service = await TestService.create();
  const [issuer] = service.context.issuers();
  for (const path of [`${"0".repeat(32)}-700`, `${issuer?.id}-1`, `${issuer?.id}-999999`])
    expect((await service.send("GET", `/crl/${path}.crl`)).status).toBe(404);
});

test.skipIf(!HAS_OPENSSL)("OpenSSL reads a list of 100,000 revoked certificates (needs openssl)", async () => {
  const service = await TestService.create();
  const [issuer] = service.context.issuers();
  if (issuer === undefined) throw new Error("no issuer");
  const entries = Array.from({ length: 100_000 }, (_, i) => ({
    serial: (i + 2 ** 40).toString(16).padStart(32, "7"),
    revokedAt: service.clock,
    reason: i % 6,
  }));
  const der = await buildRevocationList(issuer, {
    entries,
    number: 1n,
    thisUpdate: service.clock,
    nextUpdate: service.clock + 1,
    url: "http://as.test/crl/x",
  });
  expect(der.length).toBeGreaterThan(3_000_000);
  expect(openssl("crl", "-inform", "DER", "-in", file("big.crl", der), "-noout", "-crlnumber")).toContain("01");
});
