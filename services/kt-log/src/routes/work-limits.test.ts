import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HttpServer, listen } from "@mls-as/service-runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AccessPolicy } from "../access/access-policy.js";
import { createApp } from "../app.js";
import { readConfig } from "../config.js";
import { closeContext, type Context, openContext } from "../context.js";
import { FILES, initialise } from "../data-folder.js";

let dataDir: string;
let context: Context;
let server: HttpServer;
let token: string;
const sockets: Socket[] = [];
/** Requests that the policy has not decided about yet. */
let waiting: (() => void)[] = [];

/** Readers wait until they are let go; the writer does not. */
const slowPolicy: AccessPolicy = {
  async admit({ authorization }) {
    if (authorization === `Bearer ${token}`) return { identity: "writer", writer: true };
    await new Promise<void>((resolve) => waiting.push(resolve));
    return undefined;
  },
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-limits-"));
  await initialise(readConfig({}, { dataDir }));
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  const config = readConfig({}, { dataDir, logLevel: "silent", maxUnderWay: 2, callerHeader: "x-caller" });
  context = await openContext(config, Date.now, { access: slowPolicy });
  server = await listen({ fetch: createApp(context).fetch, host: "127.0.0.1", port: 0 });
  waiting = [];
});
afterEach(async () => {
  for (const release of waiting) release();
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close(0);
  await closeContext(context);
  await rm(dataDir, { recursive: true });
});

/** Begins a request and sends one octet of a hundred. */
async function dribble(caller: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  sockets.push(socket);
  await once(socket, "connect");
  const answer = new Promise<string>((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString("latin1").split("\r\n", 1)[0] ?? ""));
    socket.once("close", () => resolve("closed"));
  });
  socket.on("error", () => {});
  const headers = ["POST /v1/search HTTP/1.1", "Host: x", `X-Caller: ${caller}`, "Content-Length: 100"];
  socket.write(`${headers.join("\r\n")}\r\nContent-Type: application/octet-stream\r\n\r\nA`);
  return { socket, answer };
}

const refusals = async (code: string): Promise<number> => {
  const { values } = await context.metrics.refusals.get();
  return values.find(({ labels }) => labels["code"] === code)?.value ?? 0;
};

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const read = (): Promise<Response> => fetch(`${server.url}/v1/configuration`);
const post = (authorization?: string, path = "/v1/search"): Promise<Response> =>
  fetch(server.url + path, {
    method: "POST",
    headers: authorization === undefined ? {} : { authorization },
    body: "x",
  });

test("bodies that arrive slowly keep nobody else out, and one caller has a share of them", async () => {
  const slow: Promise<string>[] = [];
  for (let i = 0; i < 5; i++) slow.push((await dribble("mallory")).answer);
  // One more than a caller's share: refused at once, and the rest goes on waiting.
  expect(await Promise.race(slow)).toBe("HTTP/1.1 429 Too Many Requests");
  expect((await read()).status).toBe(200);
  // Even when callers enough have come to take every place, the writer gets in, and who sends no body.
  const taken: string[] = [];
  for (let i = 0; i < 20; i++) void (await dribble(`caller ${i}`)).answer.then((status) => taken.push(status));
  await until(() => taken.length > 0);
  expect(new Set(taken)).toEqual(new Set(["HTTP/1.1 503 Service Unavailable"]));
  expect((await post(`Bearer ${token}`)).status).toBe(415);
  expect((await read()).status).toBe(200);
});

test("places are left for the writer when readers take all of them", async () => {
  const asked = [post(), post()];
  await until(() => waiting.length === 2);
  const refused = await post();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await post(`Bearer ${token}`)).status).toBe(415);
  expect((await post(`Bearer ${token}x`)).status).toBe(503);
  for (const release of waiting) release();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([401, 401]);
  expect((await read()).status).toBe(200);
});

test("who leaves in the middle of a body is no fault of the log", async () => {
  for (let i = 0; i < 3; i++) (await dribble("mallory")).socket.destroy();
  await until(async () => (await refusals("malformed")) === 3);
  expect(await refusals("internal")).toBe(0);
  const big = new Uint8Array(2 ** 22 + 1);
  const chunked = new ReadableStream({
    start(controller) {
      controller.enqueue(big);
      controller.close();
    },
  });
  const init = { method: "POST", body: chunked, duplex: "half" } as RequestInit;
  expect((await fetch(`${server.url}/v1/search`, init)).status).toBe(413);
  expect((await fetch(`${server.url}/v1/search`, { method: "POST", body: big })).status).toBe(413);
});
