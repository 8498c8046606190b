import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCertificate, parseCertificateList } from "@mls-as/mls-credentials";
import { afterAll, describe, expect, test, vi } from "vitest";
import { HAS_SOFTHSM, softTokens } from "../../packages/signers/src/fixtures/soft-token.js";
import { enrol, eventually, type Issued, mlsAs, mlsAsJson, run } from "./operator.js";
import { type Service, startAuthenticationService, startLog } from "./services.js";

// Dozens of processes are started: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;
const missing = [...(HAS_SOFTHSM ? [] : ["SoftHSM2"]), ...(HAS_OPENSSL ? [] : ["OpenSSL"])];

interface Directory {
  readonly roots: readonly { id: string; algorithm: string; certificate: string }[];
  readonly issuers: readonly { id: string; algorithm: string; status: string; root: string; certificate: string }[];
}
interface Request {
  readonly id: string;
  readonly algorithm: string;
  readonly path: string;
}

/** Runbook "Rotate the issuing keys", with the root offline and the issuing keys on a token. */
describe.skipIf(missing.length > 0)(`rotation without an outage (needs ${missing.join(", ") || "nothing"})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "mls-as-rotation-"));
  const tokens = softTokens();
  const services: Service[] = [];
  afterAll(async () => {
    for (const service of services.toReversed()) await service.stop();
    tokens.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string): string => join(folder, name);
  const [data, root, logData] = [file("as"), file("root"), file("log")];
  let url = "";
  const directory = async (): Promise<Directory> => (await (await fetch(`${url}/v1/directory`)).json()) as Directory;
  const pemFile = (name: string, der: Uint8Array): string => {
    const body = Buffer.from(der)
      .toString("base64")
      .replace(/.{64}(?=.)/g, "$&\n");
    writeFileSync(file(name), `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
    return file(name);
  };
  /** The chain as OpenSSL sees it: leaf, issuing CA with its name constraints, root. */
  const verifyChain = (issued: Issued, { roots }: Directory): string => {
    const anchors = roots.map(({ certificate }) => Buffer.from(certificate, "base64url"));
    const bundle = anchors.map((der, index) =>
      execFileSync("cat", [pemFile(`root-${index}`, der)], { encoding: "utf8" }),
    );
    writeFileSync(file("roots.pem"), bundle.join(""));
    const args = ["-CAfile", file("roots.pem"), "-untrusted", pemFile("issuer.pem", issued.issuer)];
    return execFileSync("openssl", ["verify", ...args, pemFile("leaf.pem", issued.leaf)], { encoding: "utf8" });
  };
  const ceremony = async (requests: readonly Request[], withRoots: readonly { path: string }[]): Promise<void> => {
    for (const [index, { path, id }] of requests.entries()) {
      const out = file(`${id}.pem`);
      const unconfirmed = await mlsAs("ceremony", "sign", path, "--data", root, "--out", out);
      expect(unconfirmed.status).toBe(2);
      expect(unconfirmed.stdout).toContain(id);
      await mlsAsJson("ceremony", "sign", path, "--data", root, "--out", out, "--yes");
      const rootArgs = withRoots[index] === undefined ? [] : ["--root", withRoots[index].path];
      await mlsAsJson("ceremony", "import", out, ...rootArgs, "--data", data);
    }
  };

  test("offline root, issuing keys on the token, and a chain for each kind of key", async () => {
    const { roots } = await mlsAsJson<{ roots: Request[] }>(
      "ceremony",
      "root",
      "--data",
      root,
      "--domain",
      "mls.example",
    );
    const token = tokens.add("mls-as");
    const { requests } = await mlsAsJson<{ requests: Request[] }>(
      ...["init", "--data", data, "--domain", "mls.example", "--offline-root", "--keys", token],
    );
    expect(requests.map(({ algorithm }) => algorithm)).toEqual(["Ed25519", "P-256"]);
    await ceremony(requests, roots);
    const log = await startLog(logData);
    services.push(log);
    const as = await startAuthenticationService(data, { url: log.url, dataDir: logData });
    services.push(as);
    ({ url } = as);
    const published = await directory();
    expect(published.issuers.map(({ algorithm, status }) => `${algorithm} ${status}`)).toEqual([
      "Ed25519 active",
      "P-256 active",
    ]);
    for (const algorithm of ["Ed25519", "P-256", "P-384"] as const) {
      const issued = await enrol(url, data, `mimi://mls.example/d/alice/${algorithm.toLowerCase()}`, algorithm);
      expect(verifyChain(issued, published)).toMatch(/: OK/);
      const kind = algorithm === "Ed25519" ? "Ed25519" : "P-256";
      const issuer = published.issuers.find((one) => one.algorithm === kind);
      expect(issued.issuer.toString("base64url")).toBe(issuer?.certificate);
    }
    const keyFiles = await run("ls", [join(data, "ca")]);
    expect(keyFiles.stdout).not.toContain("keys");
  });

  test("rotation while credentials are issued: both chains hold, the old one's CRL and OCSP go on", async () => {
    const before = await directory();
    const old = await enrol(url, data, "mimi://mls.example/d/bob/old");
    const rotation = { over: false };
    const enrolled: Issued[] = [];
    const traffic = (async () => {
      for (let index = 0; !rotation.over; index++)
        enrolled.push(await enrol(url, data, `mimi://mls.example/d/user-${index}/phone`));
    })();
    const { issuers: requests } = await mlsAsJson<{ issuers: (Request & { certified: boolean })[] }>(
      "rotate",
      "--data",
      data,
    );
    expect(requests.map(({ certified }) => certified)).toEqual([false, false]);
    await ceremony(requests, []);
    const after = await eventually(directory, ({ issuers }) => issuers.length === 4);
    rotation.over = true;
    await traffic;
    const status = new Map(after.issuers.map((issuer) => [issuer.id, issuer.status]));
    for (const { id } of before.issuers) expect(status.get(id)).toBe("retiring");
    for (const { id } of requests) expect(status.get(id)).toBe("active");

    const fresh = await enrol(url, data, "mimi://mls.example/d/bob/new");
    expect(fresh.issuer.equals(old.issuer)).toBe(false);
    expect(enrolled.length).toBeGreaterThan(0);
    for (const issued of [old, fresh, ...enrolled]) expect(verifyChain(issued, after)).toMatch(/: OK/);

    await mlsAsJson("revoke", old.id, "--reason", "superseded", "--data", data);
    const certificate = parseCertificate(new Uint8Array(old.leaf));
    const listUrl = certificate.crlDistributionPoints?.[0]?.name;
    const text = JSON.stringify(listUrl);
    const crl = /http:[^"]+\.crl/.exec(text)?.[0] ?? "";
    const listed = async (): Promise<boolean> => {
      const list = parseCertificateList(new Uint8Array(await (await fetch(crl)).arrayBuffer()));
      return list.find(certificate.issuer, certificate.serialHex) !== undefined;
    };
    expect(await eventually(listed, (there) => there)).toBe(true);
    const ask = async (issued: Issued): Promise<string> => {
      const args = ["-issuer", pemFile("issuer.pem", issued.issuer), "-cert", pemFile("leaf.pem", issued.leaf)];
      const { stdout, stderr } = await run("openssl", [
        ...["ocsp", ...args, "-url", `${url}/ocsp`, "-VAfile", file("issuer.pem"), "-partial_chain"],
      ]);
      return stdout + stderr;
    };
    expect(await ask(old)).toMatch(/leaf\.pem: revoked/);
    expect(await ask(fresh)).toMatch(/leaf\.pem: good/);
  });

  test("a retired issuer stays while its certificates live; audit log and fsck agree with all of this", async () => {
    const { issuers } = await directory();
    const [retired] = issuers.filter(({ status }) => status === "retiring");
    const refused = await mlsAs("rotate", "--remove", retired?.id ?? "", "--data", data);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/live until/);
    const { entries, broken } = await mlsAsJson<{ entries: number; broken: number | null }>(
      "audit",
      "verify",
      "--data",
      data,
    );
    expect(broken).toBeNull();
    expect(entries).toBeGreaterThan(10);
    const { stdout } = await mlsAs("export", "audit", "--data", data);
    const actions = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { action: string; detail: { uses?: string[] } });
    expect(new Set(actions.map(({ action }) => action))).toEqual(
      new Set([
        ...["keys-used", "issuer-added", "issuer-requested", "token-issued", "issuance-decided"],
        ...actions.map(({ action }) => action),
      ]),
    );
    const uses = actions.flatMap(({ action, detail }) => (action === "keys-used" ? (detail.uses ?? []) : []));
    expect(
      uses.filter((use) => use.startsWith("sign role=issuing") && use.endsWith("outcome=ok")).length,
    ).toBeGreaterThan(5);
    const fsck = await mlsAsJson<{ discrepancies: unknown[]; checked: string[] }>(
      ...["fsck", "--data", data, "--log-url", services[0]?.url ?? ""],
    );
    expect(fsck).toMatchObject({ discrepancies: [], checked: ["store", "log", "crl"] });
  });
});
