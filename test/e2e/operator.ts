import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  certificateSigningRequest,
  type SubjectAlgorithm,
  subjectKeyPair,
} from "../../services/as/fixtures/certificate-signing-request.js";

const main = fileURLToPath(new URL("../../services/as/dist/main.js", import.meta.url));

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
export function run(program: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? -1, stdout, stderr }));
  });
}

/** Runs `mls-as`, whatever its exit code. */
export function mlsAs(...args: string[]): Promise<Ran> {
  return run(process.execPath, [main, ...args]);
}

/** `mls-as serve --json` in a process of its own. `url` settles when it is ready. */
export function serveAs(
  data: string,
  log: { readonly url: string; readonly writerTokenFile: string },
  args: readonly string[],
  environment: Record<string, string>,
): { readonly url: Promise<string>; stop(): Promise<void>; stderr(): string } {
  const child = spawn(
    process.execPath,
    [main, "serve", "--json", "--data", data, "--port", "0", "--log-url", log.url, ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, MLS_AS_LOG_WRITER_TOKEN_FILE: log.writerTokenFile, ...environment },
    },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close");
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve((JSON.parse(line) as { url: string }).url));
    void ended.then(() => reject(new Error(`mls-as serve ended: ${stderr}`)));
  });
  return {
    url,
    stderr: () => stderr,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs `mls-as … --json` and reads what it prints. @throws when it fails */
export async function mlsAsJson<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await mlsAs(...args, "--json");
  if (status !== 0) throw new Error(`mls-as ${args.join(" ")} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface Issued {
  readonly id: string;
  readonly serial: string;
  /** DER. */
  readonly leaf: Buffer;
  readonly issuer: Buffer;
}

/** Enrols a device of a service on the folder `data`, with a token that its operator makes. */
export async function enrol(
  url: string,
  data: string,
  client: string,
  algorithm: SubjectAlgorithm = "Ed25519",
): Promise<Issued> {
  const user = client.replace(/\/d\/([^/]+)\/.*$/, "/u/$1");
  const response = await fetch(`${url}/v1/admin/tokens`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${(await readFile(join(data, "admin-token"), "utf8")).trim()}`,
    },
    body: JSON.stringify({ user, client }),
  });
  const { token } = (await response.json()) as { token: string };
  return await enrolWith(url, token, client, algorithm);
}

/** Enrols a device with a token. */
export async function enrolWith(
  url: string,
  token: string,
  client: string,
  algorithm: SubjectAlgorithm = "Ed25519",
): Promise<Issued> {
  const user = client.replace(/\/d\/([^/]+)\/.*$/, "/u/$1");
  const { nonce } = (await (await fetch(`${url}/v1/nonces`, { method: "POST" })).json()) as { nonce: string };
  const csr = certificateSigningRequest({ key: subjectKeyPair(algorithm), uris: [user, client], nonce });
  const response = await fetch(`${url}/v1/credentials`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ csrs: [Buffer.from(csr).toString("base64url")], enrolment: { token } }),
  });
  const body = (await response.json()) as {
    detail?: string;
    credentials?: { id: string; serial: string; leaf: string; issuer: string }[];
  };
  const [one] = body.credentials ?? [];
  if (one === undefined) throw new Error(`${response.status}: ${body.detail ?? ""}`);
  const octets = (text: string): Buffer => Buffer.from(text, "base64url");
  return { id: one.id, serial: one.serial, leaf: octets(one.leaf), issuer: octets(one.issuer) };
}

/** Asks again until `done` says so. @throws after two minutes */
export async function eventually<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (done(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`it never came true: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
