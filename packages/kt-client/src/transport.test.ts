import { describe, expect, test } from "vitest";
import { readProblem } from "./problem-document.js";
import { DEFAULT_RETRY, delayBefore, readRetryAfter } from "./retry.js";
import { createTransport, type Fetch, type TransportOptions } from "./transport.js";

interface Scripted {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly fails?: true;
}

const octets = { "content-type": "application/octet-stream" };

/** A transport over a list of answers, the last repeated; waits are noted, not waited. */
function scripted(answers: readonly Scripted[], options: Partial<TransportOptions> = {}) {
  const requests: Parameters<Fetch>[] = [];
  const waits: number[] = [];
  const fetch: Fetch = async (...request) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] as Scripted;
    requests.push(request);
    if (answer.fails) throw new TypeError("fetch failed");
    const { status = 200, headers = octets, body = "ok" } = answer;
    return new Response(typeof body === "string" ? body : body.slice().buffer, { status, headers });
  };
  const sleep = async (milliseconds: number): Promise<void> => void waits.push(milliseconds);
  const transport = createTransport({ url: "http://log.test/", fetch, sleep, random: () => 1, ...options });
  return { transport, requests, waits };
}

const GET = { method: "GET", path: "/v1/configuration", expect: "application/octet-stream" } as const;
const problem = (code: string, status: number, headers: Record<string, string> = {}): Scripted => ({
  status,
  headers: { "content-type": "application/problem+json", ...headers },
  body: JSON.stringify({ code, detail: "because", title: "t", status }),
});

describe("retries", () => {
  test("what passes is sent again with growing waits, and succeeds", async () => {
    const { transport, waits } = scripted([{ fails: true }, { status: 502, body: "" }, problem("overloaded", 503), {}]);
    expect(await transport.send(GET)).toEqual(new TextEncoder().encode("ok"));
    expect(waits).toEqual([250, 500, 1000]);
  });

  test("Retry-After is honoured, and too long a one is reported instead of waited", async () => {
    const soon = scripted([problem("rate-limited", 429, { "retry-after": "2" }), {}]);
    await soon.transport.send(GET);
    expect(soon.waits).toEqual([2250]);
    const late = scripted([problem("overloaded", 503, { "retry-after": "3600" })]);
    const error = { code: "unavailable", retryAfter: 3_600_000, problem: { code: "overloaded" } };
    await expect(late.transport.send(GET)).rejects.toMatchObject(error);
    expect(late.waits).toEqual([]);
  });

  test("they end: the last failure is told, with its kind", async () => {
    const dead = scripted([{ fails: true }]);
    await expect(dead.transport.send(GET)).rejects.toMatchObject({ code: "unreachable" });
    expect(dead.requests).toHaveLength(DEFAULT_RETRY.attempts);
    const down = scripted([{ status: 503, body: "" }], { retry: { attempts: 1 } });
    await expect(down.transport.send(GET)).rejects.toMatchObject({ code: "unavailable", status: 503 });
    expect(down.requests).toHaveLength(1);
  });

  test.each([
    ["label-unknown", 404],
    ["unauthorized", 401],
    ["rolled-back", 503],
  ])("a refusal is not repeated: %s", async (code, status) => {
    const { transport, requests } = scripted([problem(code, status)]);
    await expect(transport.send(GET)).rejects.toMatchObject({ code: "refused", status, problem: { code } });
    expect(requests).toHaveLength(1);
  });

  test("waits have jitter and a ceiling; dates and seconds are read", () => {
    expect(delayBefore(2, DEFAULT_RETRY, undefined, () => 0)).toBe(125);
    expect(delayBefore(20, { ...DEFAULT_RETRY, attempts: 30 }, undefined, () => 1)).toBe(8000);
    expect(delayBefore(5, DEFAULT_RETRY, undefined, () => 1)).toBeUndefined();
    const now = Date.UTC(2026, 0, 1);
    expect(readRetryAfter("Thu, 01 Jan 2026 00:00:07 GMT", now)).toBe(7000);
    expect(readRetryAfter("-3", now)).toBeUndefined();
    expect(readRetryAfter("soon", now)).toBeUndefined();
  });
});

describe("limits", () => {
  test("a body over the limit is refused, whether announced or not", async () => {
    const large = new Uint8Array(100);
    const announced = { headers: { ...octets, "content-length": "100" }, body: large };
    for (const answer of [announced, { body: large }]) {
      const { transport } = scripted([answer], { maxResponseBytes: 99 });
      await expect(transport.send(GET)).rejects.toMatchObject({ code: "answer-too-large" });
    }
    const { transport } = scripted([{ body: large }], { maxResponseBytes: 100 });
    expect(await transport.send(GET)).toEqual(large);
  });

  test("an endless body is cut off where it passes the limit", async () => {
    let cancelled = false;
    const fetch: Fetch = async () => ({
      ok: true,
      status: 200,
      headers: new Headers(octets),
      arrayBuffer: () => Promise.reject(new Error("not streamed")),
      body: {
        getReader: () => ({
          read: async () => ({ done: false, value: new Uint8Array(1000) }),
          cancel: async () => void (cancelled = true),
        }),
      },
    });
    const transport = createTransport({ url: "http://log.test", fetch, maxResponseBytes: 10_000 });
    await expect(transport.send(GET)).rejects.toMatchObject({ code: "answer-too-large" });
    expect(cancelled).toBe(true);
  });

  test("an answer that does not come in time is a timeout; the caller's signal is an abort, not a timeout", async () => {
    const fetch: Fetch = (_url, { signal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(new Error("aborted"));
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const options = { url: "http://log.test", fetch, sleep: async () => {} };
    const impatient = createTransport({ ...options, timeout: 1, retry: { attempts: 2 } });
    await expect(impatient.send(GET)).rejects.toMatchObject({ code: "timeout" });
    const controller = new AbortController();
    const patient = createTransport({ ...options, signal: controller.signal }).send(GET);
    controller.abort();
    await expect(patient).rejects.toMatchObject({ code: "aborted" });
  });

  test("another media type is no answer of the log, and redirects are not followed", async () => {
    const { transport, requests } = scripted([{ headers: { "content-type": "text/html" } }]);
    await expect(transport.send(GET)).rejects.toMatchObject({ code: "malformed-answer" });
    expect(requests[0]?.[1].redirect).toBe("error");
  });
});

test("problem documents are read carefully", () => {
  const read = (text: string, type = "application/problem+json; charset=utf-8") =>
    readProblem(type, new TextEncoder().encode(text));
  expect(read('{"code":"label-unknown","detail":"a\\u001b[31m","extra":{}}')).toMatchObject({ code: "label-unknown" });
  expect(read('{"code":"label-unknown","detail":"a\\u001b[31m"}')?.detail).toBe("a [31m");
  for (const text of ["", "[]", "null", "{}", '{"code":7}', '{"code":"Not A Code"}'])
    expect(read(text)).toBeUndefined();
  expect(read('{"code":"x"}', "text/html")).toBeUndefined();
});

test("bad options are refused at once", () => {
  for (const url of ["", "log.test", "ftp://log.test", "http://u:p@log.test", "http://log.test/?a=1"])
    expect(() => createTransport({ url })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});
