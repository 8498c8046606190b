import { once } from "node:events";
import { connect } from "node:net";
import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import { limitBody } from "./body-limit.js";
import { type HttpServer, listen } from "./http-server.js";

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Sends bytes over a connection of its own, and gives all that comes back. */
async function exchange(url: string, ...parts: string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  socket.on("error", () => {});
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return answer;
}

const head = (...lines: string[]): string =>
  ["POST / HTTP/1.1", "host: here", "connection: close", ...lines].join("\r\n").concat("\r\n\r\n");

test("bodies over the limit are refused, announced or not, and no others", async () => {
  const app = new Hono();
  app.use(limitBody({ maxSize: 10 }));
  app.post("/", async (c) => c.text(`read ${(await c.req.text()).length}`));
  server = await listen({ fetch: app.fetch, host: "127.0.0.1", port: 0 });
  const { url } = server;
  const status = (answer: string): string => answer.slice(9, 12);
  expect(await exchange(url, head("content-length: 10"), "0123456789")).toContain("read 10");
  expect(status(await exchange(url, head("content-length: 11"), "0123456789a"))).toBe("413");
  expect(status(await exchange(url, head("content-length: 99999999999999999999"), "0"))).toMatch(/^4/);
  expect(await exchange(url, head("transfer-encoding: chunked"), "5\r\n01234\r\n0\r\n\r\n")).toContain("read 5");
  expect(status(await exchange(url, head("transfer-encoding: chunked"), "b\r\n0123456789a\r\n0\r\n\r\n"))).toBe("413");
  // More than was announced is not part of the body: it is no request either.
  expect(await exchange(url, head("content-length: 3"), "0123456789abcdef")).toMatch(/read 3$|^HTTP\/1.1 400/);
});

test("the caller's own answer is given", async () => {
  const app = new Hono();
  app.use(limitBody({ maxSize: 1, onError: (c) => c.text("mine", 413) }));
  app.post("/", (c) => c.text("read"));
  const post = (body: string) =>
    app.request("/", { method: "POST", body, headers: { "content-length": String(body.length) } });
  expect(await (await post("ab")).text()).toBe("mine");
  expect(await (await post("a")).text()).toBe("read");
});
