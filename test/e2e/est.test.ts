import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { openLog, readDirectory } from "@mls-as/mls-credentials/client";
import { certificateSigningRequest, subjectKeyPair } from "../../services/as/fixtures/certificate-signing-request.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const has = (program: string, argument: string): boolean => spawnSync(program, [argument]).error === undefined;
const missing = ["openssl", "pki"].filter((program) => !has(program, "version"));

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** Runs a program to its end; services in this process go on meanwhile. */
function run(program: string, args: readonly string[]): Promise<{ status: number; stdout: Buffer; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? -1, stdout: Buffer.concat(out), stderr }));
  });
}

/** EST (RFC 7030) with strongSwan as the client. */
describe.skipIf(missing.length > 0)(
  `Enrolment over Secure Transport (needs ${missing.join(", ") || "nothing"})`,
  () => {
    let folder: string;
    let log: Awaited<ReturnType<typeof startKtLog>>;
    let as: Awaited<ReturnType<typeof startAs>>;
    const file = (name: string): string => join(folder, name);
    const openssl = async (...args: string[]): Promise<Buffer> => {
      const { status, stdout, stderr } = await run("openssl", args);
      if (status !== 0) throw new Error(stderr);
      return stdout;
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "mls-as-est-"));
      const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
      const files = ["-keyout", file("tls.key"), "-out", file("tls.pem")];
      await openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        ...names,
        ...files,
      );
      log = await startKtLog({ dataDir: file("log"), port: 0, quiet: true });
      as = await startAs({
        dataDir: file("as"),
        port: 0,
        quiet: true,
        logUrl: log.url,
        logWriterToken: log.writerToken,
        est: { port: 0, host: "127.0.0.1", certificateFile: file("tls.pem"), keyFile: file("tls.key") },
      });
      const { issuers, roots } = (await (await fetch(`${as.url}/v1/directory`)).json()) as {
        issuers: { algorithm: string; certificate: string }[];
        roots: { algorithm: string; certificate: string }[];
      };
      for (const [name, authorities] of Object.entries({ issuer: issuers, root: roots }))
        for (const { algorithm, certificate } of authorities)
          await writeFile(file(`${name}-${algorithm}.der`), Buffer.from(certificate, "base64url"));
    });
    afterAll(async () => {
      await as.close();
      await log.close();
      await rm(folder, { recursive: true });
    });

    const estUrl = (): string => (as.estUrl ?? "").replace("127.0.0.1", "localhost");
    // strongSwan cannot read our issuing CA's certificate (its name constraints exclude all IP addresses): "not trusted".
    const trusted = (): string[] => ["--cacert", file("tls.pem"), "--cacert", file("root-P-256.der")];
    const token = async (user: string, device: string): Promise<string> => {
      const response = await fetch(`${as.url}/v1/admin/tokens`, {
        method: "POST",
        headers: { authorization: `Bearer ${as.adminToken}`, "content-type": "application/json" },
        body: JSON.stringify({
          user: `mimi://mls.example/u/${user}`,
          client: `mimi://mls.example/d/${user}/${device}`,
        }),
      });
      return ((await response.json()) as { token: string }).token;
    };
    /** Makes a key and a CSR without a nonce; returns the file names. */
    const csr = async (user: string, device: string, name: string, algorithm = "P-256") => {
      const key = algorithm === "Ed25519" ? ["ed25519"] : ["EC", "-pkeyopt", `ec_paramgen_curve:${algorithm}`];
      await openssl("genpkey", "-algorithm", ...key, "-out", file(`${name}.key`));
      const uris = `URI:mimi://mls.example/u/${user},URI:mimi://mls.example/d/${user}/${device}`;
      const request = ["-new", "-key", file(`${name}.key`), "-subj", "/", "-addext", `subjectAltName=critical,${uris}`];
      await openssl("req", ...request, "-outform", "DER", "-out", file(`${name}.csr`));
      return { key: file(`${name}.key`), csr: file(`${name}.csr`), certificate: file(`${name}.der`) };
    };
    const devicesOf = async (user: string) => {
      const client = await openLog((await readDirectory(as.url)).log);
      return (await client.lookup(`mimi://mls.example/u/${user}`)).list;
    };

    test("strongSwan reads the authorities", async () => {
      const { status, stdout, stderr } = await run("pki", ["--estca", "--url", estUrl(), ...trusted()]);
      expect(stderr).toMatch(/CA cert/);
      expect([status, stdout.length > 0 || stderr.length > 0]).toEqual([0, true]);
    });

    test("strongSwan enrols with a one-time token, and what it gets was logged first", async () => {
      const files = await csr("alice", "router", "alice");
      const secret = await token("alice", "router");
      const args = ["--est", "--url", estUrl(), ...trusted(), "--in", files.csr];
      const wrong = await run("pki", [...args, "--userpass", "alice:not-the-token"]);
      expect(wrong.status).not.toBe(0);
      const { status, stdout, stderr } = await run("pki", [...args, "--userpass", `alice:${secret}`]);
      expect(status, stderr).toBe(0);
      expect(stdout.length, stderr).toBeGreaterThan(0);
      await writeFile(files.certificate, stdout);
      const text = String(
        await openssl("x509", "-inform", "DER", "-in", files.certificate, "-noout", "-ext", "subjectAltName"),
      );
      expect(text).toContain("URI:mimi://mls.example/d/alice/router");
      const list = await devicesOf("alice");
      expect(list.devices.map(({ client }) => client)).toEqual(["mimi://mls.example/d/alice/router"]);
      const again = await csr("alice", "router", "alice-again");
      expect(
        (
          await run("pki", [
            "--est",
            "--url",
            estUrl(),
            ...trusted(),
            "--in",
            again.csr,
            "--userpass",
            `alice:${secret}`,
          ])
        ).status,
      ).not.toBe(0);
    });

    test("strongSwan renews with its certificate, as the same device and no other", async () => {
      const next = await csr("alice", "router", "alice-next");
      const by = ["--cert", file("alice.der"), "--key", file("alice.key")];
      const args = ["--est", "--url", estUrl(), ...trusted(), ...by];
      const { status, stdout, stderr } = await run("pki", [...args, "--in", next.csr]);
      expect([status, stdout.length > 0], stderr).toEqual([0, true]);
      const [device] = (await devicesOf("alice")).devices;
      expect(device?.credentials).toHaveLength(2);
      expect(device?.credentials.map(({ continuity }) => continuity)).toEqual([undefined, undefined]);
      const foreign = await csr("bob", "router", "bob");
      expect((await run("pki", [...args, "--in", foreign.csr])).stdout).toHaveLength(0);
    });

    /** One request over TLS, as a client that is not strongSwan would make it. */
    const send = (
      method: string,
      path: string,
      options: {
        headers?: Record<string, string>;
        body?: string | Buffer;
        cert?: Buffer;
        key?: Buffer;
        socket?: TLSSocket;
      } = {},
    ): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const { headers = {}, body, socket, ...tls } = options;
        const request = httpsRequest(
          `${as.estUrl}/.well-known/est/${path}`,
          {
            method,
            headers,
            rejectUnauthorized: false,
            ...tls,
            ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
          },
          (response) => {
            let text = "";
            response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
            response.once("end", () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
            );
          },
        );
        request.once("error", reject);
        request.end(body);
      });
    const pkcs10 = { "content-type": "application/pkcs10" };
    const basic = (secret: string) => ({ authorization: `Basic ${Buffer.from(`x:${secret}`).toString("base64")}` });
    const codeOf = ({ status, body }: { status: number; body: string }) => [
      status,
      (JSON.parse(body) as { code: string }).code,
    ];

    test("what is asked of a CSR is told", async () => {
      const { status, headers, body } = await send("GET", "csrattrs");
      expect([status, headers["content-type"], headers["content-transfer-encoding"]]).toEqual([
        200,
        "application/csrattrs",
        "base64",
      ]);
      await writeFile(file("csrattrs.der"), Buffer.from(body, "base64"));
      const parsed = String(await openssl("asn1parse", "-inform", "DER", "-in", file("csrattrs.der")));
      for (const name of ["id-ecPublicKey", "prime256v1", "secp384r1", "secp521r1", "ED25519", "Extension Request"])
        expect(parsed).toContain(name);
    });

    test("an Ed25519 key gets the Ed25519 chain", async () => {
      const files = await csr("erin", "phone", "erin", "Ed25519");
      const body = (await readFile(files.csr)).toString("base64").replaceAll(/.{64}/g, "$&\r\n");
      const answer = await send("POST", "simpleenroll", {
        headers: { ...pkcs10, ...basic(await token("erin", "phone")) },
        body,
      });
      expect([answer.status, answer.headers["content-type"]]).toEqual([
        200,
        "application/pkcs7-mime; smime-type=certs-only",
      ]);
      await writeFile(file("erin.p7"), Buffer.from(answer.body, "base64"));
      await writeFile(
        file("erin.pem"),
        await openssl("pkcs7", "-inform", "DER", "-in", file("erin.p7"), "-print_certs"),
      );
      for (const name of ["issuer", "root"])
        await writeFile(
          file(`${name}.pem`),
          await openssl("x509", "-inform", "DER", "-in", file(`${name}-Ed25519.der`)),
        );
      const verified = await openssl(
        "verify",
        "-x509_strict",
        "-CAfile",
        file("root.pem"),
        "-untrusted",
        file("issuer.pem"),
        file("erin.pem"),
      );
      expect(String(verified)).toMatch(/OK/);
    });

    test("bad requests are refused, each with its code", async () => {
      const { csr: path } = await csr("mallory", "phone", "mallory");
      const body = (await readFile(path)).toString("base64");
      expect(codeOf(await send("POST", "simpleenroll", { headers: pkcs10, body }))).toEqual([401, "unauthorized"]);
      const anonymous = await send("POST", "simpleenroll", { headers: pkcs10, body });
      expect(anonymous.headers["www-authenticate"]).toMatch(/^Basic /);
      const guess = { ...pkcs10, ...basic("guess") };
      expect(codeOf(await send("POST", "simpleenroll", { headers: guess, body }))).toEqual([403, "token-unknown"]);
      const mine = { ...pkcs10, ...basic(await token("frank", "phone")) };
      expect(codeOf(await send("POST", "simpleenroll", { headers: mine, body }))).toEqual([403, "identity-mismatch"]);
      expect(codeOf(await send("POST", "simpleenroll", { headers: mine, body: "%%%" }))).toEqual([
        400,
        "csr-malformed",
      ]);
      expect(codeOf(await send("POST", "simpleenroll", { headers: mine, body: "" }))).toEqual([400, "csr-malformed"]);
      const large = "A".repeat(64 * 1024);
      expect(codeOf(await send("POST", "simpleenroll", { headers: mine, body: large }))).toEqual([
        413,
        "body-too-large",
      ]);
      const text = { ...mine, "content-type": "text/plain" };
      expect(codeOf(await send("POST", "simpleenroll", { headers: text, body }))).toEqual([
        415,
        "unsupported-media-type",
      ]);
      expect(codeOf(await send("POST", "simplereenroll", { headers: pkcs10, body }))).toEqual([403, "signer-unknown"]);
      const foreign = { cert: await readFile(file("tls.pem")), key: await readFile(file("tls.key")) };
      expect(codeOf(await send("POST", "simplereenroll", { headers: pkcs10, body, ...foreign }))).toEqual([
        403,
        "signer-unknown",
      ]);
      expect(codeOf(await send("GET", "serverkeygen"))).toEqual([404, "not-found"]);
    });

    test("a CSR may be linked to its TLS connection, and to no other", async () => {
      const answers = [];
      for (const linked of [true, false]) {
        const { hostname, port } = new URL(as.estUrl ?? "");
        const socket = connect({
          host: hostname,
          port: Number(port),
          rejectUnauthorized: false,
          maxVersion: "TLSv1.2",
        });
        await once(socket, "secureConnect");
        const nonce = linked ? String(socket.getFinished()?.toString("base64")) : "AAAAAAAAAAAAAAAA";
        const uris = ["mimi://mls.example/u/grace", "mimi://mls.example/d/grace/phone"];
        const der = certificateSigningRequest({ key: subjectKeyPair("P-256"), uris, nonce });
        const headers = { ...pkcs10, ...basic(await token("grace", "phone")) };
        const body = Buffer.from(der).toString("base64");
        answers.push(await send("POST", "simpleenroll", { headers, body, socket }));
      }
      const [good, bad] = answers as [Answer, Answer];
      expect(good.status, good.body).toBe(200);
      expect(codeOf(bad)).toEqual([400, "nonce-invalid"]);
    });

    test("a revoked certificate does not renew", async () => {
      const pem = async (name: string) => await openssl("x509", "-inform", "DER", "-in", file(name));
      const cert = { cert: await pem("alice.der"), key: await readFile(file("alice.key")) };
      const revoked = await fetch(`${as.url}/v1/admin/devices/revocation`, {
        method: "POST",
        headers: { authorization: `Bearer ${as.adminToken}`, "content-type": "application/json" },
        body: JSON.stringify({ client: "mimi://mls.example/d/alice/router", reason: "cessationOfOperation" }),
      });
      expect([200, 202]).toContain(revoked.status);
      const { csr: path } = await csr("alice", "router", "alice-late");
      const body = (await readFile(path)).toString("base64");
      const answer = await send("POST", "simplereenroll", { headers: pkcs10, body, ...cert });
      expect(codeOf(answer)).toEqual([403, "signer-inactive"]);
    });
  },
);
