import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SoftwareSigner } from "@mls-as/signers";
import { afterAll, describe, expect, test } from "vitest";
import { pem } from "../x509/der.js";
import { readCaIndex } from "./ca-index.js";
import {
  importIssuing,
  makeRoots,
  prepareAuthority,
  removeIssuer,
  requestIssuing,
  rotateIssuing,
  signIssuingRequest,
} from "./ceremony.js";
import { createDevelopmentCa, openAuthorities } from "./development-ca.js";
import { fromPemOrDer, readIssuingRequest } from "./issuing-request.js";

const base = mkdtempSync(join(tmpdir(), "mls-as-ceremony-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const now = Math.floor(Date.now() / 1000);
const DOMAIN = "mls.example";
const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;

interface Place {
  readonly folder: string;
  readonly signer: SoftwareSigner;
}
const place = (name: string): Place => ({
  folder: join(base, name),
  signer: new SoftwareSigner(join(base, name, "keys"), name),
});
const csrOf = (path: string): Uint8Array => fromPemOrDer(readFileSync(path), path, "request-invalid");

describe("an issuing key under an offline root", async () => {
  const root = place("root");
  const service = place("service");
  await makeRoots(root.folder, root.signer, DOMAIN, ["Ed25519", "P-256"], now);
  await prepareAuthority(service.folder, DOMAIN, undefined);
  const rootOf = async (algorithm: string): Promise<Uint8Array> => {
    const found = (await openAuthorities(root.folder, root.signer))?.roots.find((one) => one.algorithm === algorithm);
    return found?.certificate ?? new Uint8Array();
  };

  test.each(["Ed25519", "P-256"] as const)("%s: request, sign, import", async (algorithm) => {
    const request = await requestIssuing(service.folder, service.signer, algorithm);
    const asked = readIssuingRequest(csrOf(request.path), request.path);
    expect(asked).toMatchObject({ id: request.id, algorithm });
    const certificate = await signIssuingRequest(root.folder, root.signer, asked, now);
    const before = readFileSync(join(service.folder, "ca.json"), "utf8");
    const take = (der: Uint8Array, rootDer?: Uint8Array): ReturnType<typeof importIssuing> =>
      importIssuing(service.folder, service.signer, der, rootDer, now);

    await expect(take(certificate)).rejects.toMatchObject({ code: "root-unknown" });
    const other = algorithm === "Ed25519" ? "P-256" : "Ed25519";
    await expect(take(certificate, await rootOf(other))).rejects.toMatchObject({ code: "root-unknown" });
    const altered = certificate.slice();
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    await expect(take(altered, await rootOf(algorithm))).rejects.toMatchObject({ code: "root-unknown" });
    await expect(take(certificate.slice(1), await rootOf(algorithm))).rejects.toMatchObject({
      code: "certificate-unreadable",
    });
    await expect(take(await rootOf(algorithm))).rejects.toMatchObject({ code: "key-not-requested" });
    expect(readFileSync(join(service.folder, "ca.json"), "utf8")).toBe(before);

    await take(certificate, await rootOf(algorithm));
    const opened = await openAuthorities(service.folder, service.signer);
    expect(opened?.issuers.find(({ id }) => id === request.id)).toMatchObject({ algorithm, status: "active" });
    expect((await service.signer.list()).some(({ role }) => role === "root")).toBe(false);
    await expect(take(certificate)).rejects.toMatchObject({ code: "key-not-requested" });
  });

  test("another domain, an expired root, and a request that was altered", async () => {
    const elsewhere = place("elsewhere");
    await makeRoots(elsewhere.folder, elsewhere.signer, "other.example", ["Ed25519"], now);
    const request = await requestIssuing(service.folder, service.signer, "Ed25519");
    const asked = readIssuingRequest(csrOf(request.path), request.path);
    const foreign = await signIssuingRequest(elsewhere.folder, elsewhere.signer, asked, now);
    const foreignRoot = (await openAuthorities(elsewhere.folder, elsewhere.signer))?.roots[0]?.certificate;
    await expect(importIssuing(service.folder, service.signer, foreign, foreignRoot, now)).rejects.toMatchObject({
      code: "certificate-unfit",
      path: "nameConstraints.permitted",
    });
    const certificate = await signIssuingRequest(root.folder, root.signer, asked, now);
    await expect(
      importIssuing(service.folder, service.signer, certificate, undefined, now + 30 * 365 * 86_400),
    ).rejects.toMatchObject({ code: "certificate-unfit" });
    const csr = csrOf(request.path).slice();
    csr[60] = (csr[60] ?? 0) ^ 1;
    expect(() => readIssuingRequest(csr, "altered.csr")).toThrow(expect.objectContaining({ code: "request-invalid" }));
    expect(() => readIssuingRequest(certificate, "certificate")).toThrow(
      expect.objectContaining({ code: "request-invalid" }),
    );
  });

  test("a folder is prepared once, and roots are made once", async () => {
    await expect(prepareAuthority(service.folder, DOMAIN, undefined)).rejects.toMatchObject({
      code: "authority-exists",
    });
    await expect(makeRoots(root.folder, root.signer, DOMAIN, ["Ed25519"], now)).rejects.toMatchObject({
      code: "authority-exists",
    });
    const nowhere = place("nowhere");
    await expect(requestIssuing(nowhere.folder, nowhere.signer, "Ed25519")).rejects.toMatchObject({
      code: "no-authority",
    });
    writeFileSync(join(root.folder, "..", "ca.json"), "{}");
    await expect(readCaIndex(base)).rejects.toMatchObject({ code: "index-unreadable" });
  });

  test.skipIf(!HAS_OPENSSL)("OpenSSL reads the request, signs it as a root of its own, and verifies ours", async () => {
    const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
    const request = await requestIssuing(service.folder, service.signer, "P-256");
    expect(openssl("req", "-in", request.path, "-noout", "-verify", "-text")).toMatch(/CA:TRUE, pathlen:0/);
    const file = (name: string): string => join(base, name);
    openssl(
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=Company root",
      ],
      ...["-days", "3000", "-keyout", file("company.key"), "-out", file("company.pem"), "-sha256"],
    );
    openssl(
      ...["x509", "-req", "-in", request.path, "-CA", file("company.pem"), "-CAkey", file("company.key"), "-sha256"],
      ...["-days", "1000", "-copy_extensions", "copy", "-out", file("issuing.pem")],
    );
    const read = (name: string): Uint8Array => fromPemOrDer(readFileSync(file(name)), name, "certificate-unreadable");
    const { id, retired } = await importIssuing(
      service.folder,
      service.signer,
      read("issuing.pem"),
      read("company.pem"),
      now + 120,
    );
    expect(id).toBe(request.id);
    expect(retired).toHaveLength(1);
    const asked = readIssuingRequest(csrOf(request.path), "csr");
    writeFileSync(file("ours.pem"), pem("CERTIFICATE", await signIssuingRequest(root.folder, root.signer, asked, now)));
    writeFileSync(file("root.pem"), pem("CERTIFICATE", await rootOf("P-256")));
    expect(openssl("verify", "-x509_strict", "-CAfile", file("root.pem"), file("ours.pem"))).toMatch(/OK/);
  });
});

describe("rotation", () => {
  test("a development CA rotates at once; the old issuer retires, and leaves when its certificates are dead", async () => {
    const { folder, signer } = place("development");
    await createDevelopmentCa(folder, signer, DOMAIN, now);
    const before = await openAuthorities(folder, signer);
    const done = await rotateIssuing(folder, signer, ["Ed25519"], now);
    const after = await openAuthorities(folder, signer);
    const old = before?.issuers.find(({ algorithm }) => algorithm === "Ed25519");
    expect(done).toMatchObject([{ certified: true, retired: [old?.id] }]);
    expect(after?.issuers.map(({ algorithm, status }) => `${algorithm} ${status}`).sort()).toEqual([
      "Ed25519 active",
      "Ed25519 retiring",
      "P-256 active",
    ]);
    const oldId = old?.id ?? "";
    await expect(removeIssuer(folder, oldId, now + 10, now)).rejects.toMatchObject({ code: "issuer-in-use" });
    await expect(removeIssuer(folder, done[0]?.id ?? "", undefined, now)).rejects.toMatchObject({
      code: "issuer-in-use",
    });
    await expect(removeIssuer(folder, "0".repeat(32), undefined, now)).rejects.toMatchObject({
      code: "issuer-unknown",
    });
    await removeIssuer(folder, oldId, now - 10, now);
    expect((await openAuthorities(folder, signer))?.issuers).toHaveLength(2);
  });

  test("without the root's key a rotation leaves requests, and issues as before", async () => {
    const { folder, signer } = place("no-root");
    await prepareAuthority(folder, DOMAIN, undefined);
    const done = await rotateIssuing(folder, signer, undefined, now);
    expect(done.map(({ certified }) => certified)).toEqual([false, false]);
    expect((await openAuthorities(folder, signer))?.issuers).toEqual([]);
    expect((await readCaIndex(folder))?.requested.map(({ id }) => id)).toEqual(done.map(({ id }) => id));
  });
});
