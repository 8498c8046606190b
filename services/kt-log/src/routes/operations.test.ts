import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LabelWriter, type Send, sendInProcess } from "../../fixtures/label-writer.js";
import { createApp } from "../app.js";
import { readConfig } from "../config.js";
import { closeContext, type Context, openContext } from "../context.js";
import { FILES, initialise } from "../data-folder.js";
import { PROBLEMS } from "../problem.js";
import type { LogStore } from "../storage/store.js";
import { ROUTES } from "./route-table.js";

let dataDir: string;
let context: Context;
let send: Send;
let token: string;
let lines: string;
let spy: ReturnType<typeof vi.spyOn>;

beforeAll(async () => {
  // The logger writes with synchronous writes to the file descriptor of standard error.
  lines = "";
  const fs = await import("node:fs");
  const write = fs.default.writeSync;
  spy = vi.spyOn(fs.default, "writeSync").mockImplementation(((
    fd: number,
    data: string | Uint8Array,
    ...rest: never[]
  ) => {
    if (fd !== 2) return write(fd, data as string, ...rest);
    lines += typeof data === "string" ? data : new TextDecoder().decode(data);
    return data.length;
  }) as typeof write);
  dataDir = await mkdtemp(join(tmpdir(), "kt-operations-"));
  const config = readConfig({}, { dataDir, batchMilliseconds: 1, logLevel: "trace" });
  await initialise(config);
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  context = await openContext(config);
  send = sendInProcess(createApp(context));
});
afterAll(async () => {
  await closeContext(context);
  spy.mockRestore();
  await rm(dataDir, { recursive: true });
});

test("whatever is asked, and whatever fails, no label, value or token is in the logs or the metrics", async () => {
  const writer = await LabelWriter.open(send, token);
  await writer.write("secret-alice", "secret-value");
  await writer.read("secret-alice");
  await expect(writer.read("secret-bob")).rejects.toThrow(/label-unknown/);
  await send("/v1/secret-alice");
  await send("/v1/search", new TextEncoder().encode("secret-alice"), { authorization: "Bearer secret-token" });
  // A database that quotes the row it chokes on.
  const failure = Object.assign(new Error("duplicate key"), {
    detail: "Key (label)=(secret-alice) exists",
    code: "23505",
  });
  const store: LogStore = Object.create(context.store, { head: { value: () => Promise.reject(failure) } }) as LogStore;
  const broken = sendInProcess(createApp({ ...context, store }));
  expect((await broken("/v1/auditor/tree-head", new Uint8Array(1))).status).toBeGreaterThanOrEqual(400);
  const prover = { ...context.prover, search: () => Promise.reject(failure) };
  const failing = sendInProcess(createApp({ ...context, prover }));
  const answer = await failing("/v1/search", new Uint8Array(3));
  expect(await answer.json()).toMatchObject({ code: "internal", status: 500, detail: PROBLEMS.internal.title });
  expect(lines).toContain('"answered"');
  expect(lines).toContain("unexpected error");
  expect(lines).toContain("23505");
  const hex = Buffer.from("secret-alice").toString("hex");
  for (const text of [lines, await (await send("/metrics")).text()])
    for (const secret of ["secret-", hex, token, "secret-token"]) expect(text).not.toContain(secret);
});

test("metrics have what the alert rules ask for", async () => {
  const text = await (await send("/metrics")).text();
  const rules = readFileSync(new URL("../../../../docs/kt-log-alerts.yml", import.meta.url), "utf8");
  const document = readFileSync(new URL("../../../../docs/operating-the-log.md", import.meta.url), "utf8");
  const names = new Set(
    [...(rules + document).matchAll(/kt_log_[a-z_]+[a-z]/g)].map(([name]) => name.replace(/_bucket$/, "")),
  );
  expect(names.size).toBeGreaterThan(12);
  for (const name of names) expect(text).toContain(`# TYPE ${name} `);
});

test("OpenAPI has every route with its refusals, and every route that it has answers", async () => {
  const document = (await (await send("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths)).toHaveLength(ROUTES.length);
  for (const { method, path } of ROUTES) {
    const described = document.paths[path.replace("*", "{path}")]?.[method.toLowerCase()];
    expect(described).toBeDefined();
    const concrete = path.replace("*", "0/000");
    const response = method === "GET" ? await send(concrete) : await send(concrete, new Uint8Array());
    if (path !== "/readyz") expect(Object.keys(described?.responses ?? {})).toContain(String(response.status));
    const other = method === "GET" ? await send(concrete, new Uint8Array()) : await send(concrete);
    expect(await other.json()).toMatchObject({ code: "method-not-allowed", status: 405 });
    expect(other.headers.get("allow")).toBe(method === "GET" ? "GET, HEAD" : method);
  }
  const page = await send("/docs");
  expect(await page.text()).toContain("/v1/witnessed-heads");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
});

test("browsers of other origins may use everything but the metrics", async () => {
  const origin = { origin: "https://app.example" };
  const search = await send("/v1/search", new Uint8Array(), origin);
  expect(search.headers.get("access-control-allow-origin")).toBe("*");
  expect(search.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("retry-after");
  expect(search.headers.get("access-control-allow-credentials")).toBeNull();
  expect((await send("/metrics", undefined, origin)).headers.get("access-control-allow-origin")).toBeNull();
  const preflight = await createApp(context).request("/v1/search", {
    method: "OPTIONS",
    headers: { ...origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("content-type");
});

test("a service that is full says so at once and when to come back; its health is still told", async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let entered: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const prover = {
    ...context.prover,
    treeHead: async () => {
      entered();
      await held;
      return new Uint8Array();
    },
  };
  const full = sendInProcess(createApp({ ...context, prover, config: { ...context.config, maxUnderWay: 1 } }));
  const first = full("/v1/tree-head");
  await inside;
  const refused = await full("/v1/configuration");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({ code: "overloaded" });
  expect((await full("/healthz")).status).toBe(200);
  release();
  expect((await first).status).toBe(200);
  expect((await full("/v1/configuration")).status).toBe(200);
});

test("readiness says why not", async () => {
  const store = Object.create(context.store, { head: { value: () => Promise.reject(new Error("gone")) } }) as LogStore;
  const broken = await sendInProcess(createApp({ ...context, store }))("/readyz");
  expect(broken.status).toBe(503);
  expect(await broken.json()).toMatchObject({ ready: false, reasons: ["storage-unavailable"] });
  const later = sendInProcess(createApp({ ...context, clock: () => Date.now() + 2 * 3_600_000 }));
  expect(await (await later("/readyz")).json()).toMatchObject({ ready: false, reasons: ["head-too-old"] });
  expect(await (await send("/readyz")).json()).toMatchObject({ ready: true, reasons: [], leading: true });
});
