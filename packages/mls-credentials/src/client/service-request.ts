import { ClientError } from "./client-error.js";

/** The part of `fetch` that is used; the platform's fits. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: Uint8Array<ArrayBuffer> | string },
) => Promise<FetchAnswer>;

export interface FetchAnswer {
  readonly ok: boolean;
  readonly status: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The platform's fetch. */
export function platformFetch(): Fetch {
  const found = (globalThis as { fetch?: Fetch }).fetch;
  if (found === undefined) throw new ClientError("service-unreachable", "fetch", "this platform has no fetch");
  return (url, init) => found(url, init);
}

/** Sends a request and returns the body's bytes. @throws ClientError */
export async function requestBytes(
  fetch: Fetch,
  url: string,
  init: { method: "GET" | "POST"; type?: string; body?: Uint8Array | string; headers?: Record<string, string> },
): Promise<Uint8Array> {
  const headers = { ...init.headers, ...(init.type === undefined ? {} : { "content-type": init.type }) };
  const body = typeof init.body === "object" ? new Uint8Array(init.body) : init.body;
  let answer: FetchAnswer;
  let bytes: Uint8Array;
  try {
    answer = await fetch(url, { method: init.method, headers, ...(body === undefined ? {} : { body }) });
    bytes = new Uint8Array(await answer.arrayBuffer());
  } catch (cause) {
    throw new ClientError("service-unreachable", url, "no answer", { cause });
  }
  if (answer.ok) return bytes;
  const problem = problemCode(bytes);
  throw new ClientError("refused", url, problem ?? `HTTP ${answer.status}`, {
    status: answer.status,
    ...(problem === undefined ? {} : { problem }),
  });
}

/** Sends JSON, expects JSON. @throws ClientError */
export async function requestJson(
  fetch: Fetch,
  url: string,
  method: "GET" | "POST",
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const init = body === undefined ? { method } : { method, type: "application/json", body: JSON.stringify(body) };
  const bytes = await requestBytes(fetch, url, { ...init, headers });
  const value = parseJson(bytes);
  if (value === undefined) throw new ClientError("malformed-answer", url, "not a JSON object");
  return value;
}

export function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** `code` of a problem document (RFC 9457). */
function problemCode(bytes: Uint8Array): string | undefined {
  const code = parseJson(bytes)?.["code"];
  return typeof code === "string" ? code : undefined;
}
