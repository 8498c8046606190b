import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { writeDurably } from "./durable-file.js";
import { httpMetrics, observeRequests } from "./metrics.js";
import { bearerToken, hashSecret, isSecret } from "./secret.js";
import { readSecretFile } from "./secret-file.js";

test("a durable file has its mode, replaces the old one whole, and leaves no draft", async () => {
  const folder = await mkdtemp(join(tmpdir(), "durable-"));
  const path = join(folder, "token");
  await writeFile(path, "a much longer old content");
  await writeDurably(path, "new\n", 0o600);
  expect(await readFile(path, "utf8")).toBe("new\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["token"]);
  expect(await readSecretFile(path, "token_file")).toBe("new");
  await writeFile(path, "\n");
  await expect(readSecretFile(path, "token_file")).rejects.toThrow(/token_file .*empty/);
  await expect(readSecretFile(join(folder, "absent"), "token_file")).rejects.toThrow(/cannot be read/);
  await rm(folder, { recursive: true });
});

test("bearer tokens", () => {
  expect(bearerToken("Bearer abc-_9")).toBe("abc-_9");
  for (const header of [undefined, "", "Basic abc", "Bearer", "Bearer a b", "Bearer a,b", `Bearer ${"a".repeat(257)}`])
    expect(bearerToken(header)).toBe("");
  expect(isSecret("abc", hashSecret("abc"))).toBe(true);
  expect(isSecret("", hashSecret("abc"))).toBe(false);
});

test("metric labels are a closed set, whatever a caller sends", async () => {
  const registry = new Registry();
  const app = new Hono();
  app.use(observeRequests(httpMetrics("x", registry), ({ req }) => (req.path === "/known" ? "/known" : "other")));
  await app.request("/known");
  await app.request("/alice");
  await app.request("/known", { method: "ALICE" });
  const text = await registry.metrics();
  expect(text).toContain('x_requests_total{route="/known",method="GET",status="404"} 1');
  expect(text).toContain('x_requests_total{route="other",method="GET",status="404"} 1');
  expect(text.toLowerCase()).not.toContain("alice");
});
