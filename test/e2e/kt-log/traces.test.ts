import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LabelWriter, type Send, sendTo } from "../../../services/kt-log/fixtures/label-writer.js";

const MAIN = fileURLToPath(new URL("../../../services/kt-log/dist/main.js", import.meta.url));
const LABEL = "mimi://example.org/u/alice";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

/** A span as OTLP over HTTP writes it in JSON. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

let folder: string;
let collector: Server;
const spans: Span[] = [];
let received = "";
let resource: Span["attributes"] = [];

/** A collector: takes `POST /v1/traces` as JSON. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-traces-"));
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const known = request.method === "POST" && request.url === "/v1/traces";
      if (known) {
        received += text;
        for (const each of (JSON.parse(text) as Export).resourceSpans) {
          resource = each.resource.attributes;
          spans.push(...each.scopeSpans.flatMap((scope) => scope.spans));
        }
      }
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
});
afterAll(async () => {
  collector.close();
  await rm(folder, { recursive: true });
});

const named = (name: string): Span | undefined => spans.find((span) => span.name === name);
const attributesOf = (span: Span | undefined): Record<string, unknown> =>
  Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));

test("a collector receives the spans of requests, proofs and commits, below the caller's, and no label", async () => {
  const dataDir = join(folder, "log");
  const child = spawn(process.execPath, [MAIN, "serve", "--init", "--data", dataDir, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      KT_LOG_LEVEL: "silent",
      KT_LOG_TRACING_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    },
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const direct = sendTo((JSON.parse(line) as { url: string }).url);
  const send: Send = (path, body, headers) =>
    direct(path, body, { ...headers, traceparent: `00-${TRACE}-${CALLER}-01` });
  const token = (await readFile(join(dataDir, "writer-token"), "utf8")).trim();
  const writer = await LabelWriter.open(send, token);
  await writer.write(LABEL, "a value that nobody else may see");
  expect((await writer.read(LABEL)).version).toBe(0);
  // What has not been sent yet is sent before it ends.
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);

  expect(attributesOf({ attributes: resource } as Span)["service.name"]).toBe("kt-log");
  const [update, insert, commit] = [named("POST /v1/update"), named("kt-log insert"), named("kt-log commit")];
  expect([update?.traceId, update?.parentSpanId]).toEqual([TRACE, CALLER]);
  expect(insert?.parentSpanId).toBe(update?.spanId);
  expect([commit?.traceId, commit?.parentSpanId]).toEqual([TRACE, insert?.spanId]);
  expect(attributesOf(commit)).toMatchObject({ "kt_log.labels": 1, "kt_log.versions": 1 });
  for (const name of ["kt-log sequence", "kt-log append"]) {
    const part = named(name);
    expect([name, part?.parentSpanId]).toEqual([name, commit?.spanId]);
    expect(BigInt(part?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(commit?.startTimeUnixNano ?? 0));
    expect(BigInt(part?.endTimeUnixNano ?? 0)).toBeLessThanOrEqual(BigInt(commit?.endTimeUnixNano ?? 0));
  }
  expect(attributesOf(named("kt-log append"))["kt_log.tree_size"]).toBe(2);
  const search = named("POST /v1/search");
  expect(attributesOf(search)).toMatchObject({ "http.route": "/v1/search", "http.response.status_code": 200 });
  expect(spans.some(({ name, parentSpanId }) => name === "kt-log answer" && parentSpanId === search?.spanId)).toBe(
    true,
  );
  for (const secret of ["alice", "nobody else", token]) expect(received).not.toContain(secret);
});
