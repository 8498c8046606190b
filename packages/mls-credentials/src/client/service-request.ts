import { createTransport, type Fetch, LogClientError } from "@mls-as/kt-client";
import { ClientError } from "./client-error.js";

export type { Fetch } from "@mls-as/kt-client";

/** How requests to the Authentication Service are sent. */
export interface ServiceOptions {
  readonly fetch?: Fetch | undefined;
  /** Milliseconds for one request; default 30,000. */
  readonly timeout?: number | undefined;
  /** How often a request without answer is sent again, 1 to give up at once (default): resuming does the rest. */
  readonly attempts?: number | undefined;
}

interface ServiceMessage {
  readonly method: "GET" | "POST";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Sends JSON, expects a JSON object. @throws ClientError `service-unreachable`, `refused`, `malformed-answer` */
export async function requestJson(
  url: string,
  { method, body, headers = {} }: ServiceMessage,
  options: ServiceOptions = {},
): Promise<Record<string, unknown>> {
  const bytes = await requestBytes(url, { method, body, headers }, options);
  const value = parseJson(bytes);
  if (value === undefined) throw new ClientError("malformed-answer", url, "not a JSON object");
  return value;
}

async function requestBytes(
  url: string,
  { method, body, headers }: ServiceMessage,
  { fetch, timeout, attempts = 1 }: ServiceOptions,
): Promise<Uint8Array> {
  try {
    const { origin, pathname, search } = new URL(url);
    const transport = createTransport({ url: origin, fetch, timeout, retry: { attempts } });
    return await transport.send({
      method,
      path: `${pathname}${search}`,
      ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    });
  } catch (cause) {
    if (cause instanceof TypeError) throw new ClientError("service-unreachable", url, "no URL", { cause });
    if (cause instanceof LogClientError) throw translated(cause, url);
    throw cause;
  }
}

/** The transport is the log client's; its errors are told in this package's words. */
function translated(cause: LogClientError, url: string): ClientError {
  const { code, status, problem } = cause;
  const detail = {
    cause,
    ...(status === undefined ? {} : { status }),
    ...(problem === undefined ? {} : { problem: problem.code }),
  };
  if (status !== undefined && code !== "malformed-answer")
    return new ClientError("refused", url, problem?.code ?? `HTTP ${status}`, detail);
  const lost = code === "unreachable" || code === "timeout" || code === "aborted";
  return new ClientError(lost ? "service-unreachable" : "malformed-answer", url, cause.message, detail);
}

/** A JSON object out of UTF-8; undefined for anything else. */
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
