import { LogClientError } from "./client-error.js";
import { readProblem } from "./problem-document.js";
import { DEFAULT_RETRY, delayBefore, readRetryAfter, type RetryPolicy } from "./retry.js";

/** The part of `fetch` that is used; the platform's fits. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly redirect: "error";
  readonly signal: AbortSignal;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Null, or absent where a platform cannot stream: then `arrayBuffer` is read. */
  readonly body?: { getReader(): BodyReader } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

export interface TransportOptions {
  /** Where the log is, without `/v1`. */
  readonly url: string;
  readonly fetch?: Fetch | undefined;
  /** Milliseconds for one attempt, body included; default 30,000. */
  readonly timeout?: number | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Default 16 MiB. */
  readonly maxResponseBytes?: number | undefined;
  /** Milliseconds since 1970; default the platform's clock. */
  readonly clock?: (() => number) | undefined;
  /** From 0 to 1, for jitter only. */
  readonly random?: (() => number) | undefined;
  /** Waits between attempts. */
  readonly sleep?: ((milliseconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Ends every request under way and to come. */
  readonly signal?: AbortSignal | undefined;
  /** Headers that authorise a request; asked anew for each attempt. */
  readonly authorize?: Authorize | undefined;
}

/** Makes the headers that authorise a request, e.g. a bearer token or a device's signature. */
export type Authorize = (request: {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly body: Uint8Array;
}) => Record<string, string> | Promise<Record<string, string>>;

export interface Message {
  readonly method: "GET" | "POST";
  /** From the log's URL on, e.g. `/v1/search`. */
  readonly path: string;
  readonly body?: Uint8Array | undefined;
  readonly headers?: Record<string, string> | undefined;
  /** The media type that a good answer has; undefined: no body is expected. */
  readonly expect?: string | undefined;
}

/** Sends messages to one log. */
export interface Transport {
  readonly url: string;
  /** The body of a good answer. @throws LogClientError */
  send(message: Message): Promise<Uint8Array>;
}

/** Answers after which the same request may succeed. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Refusals that waiting does not heal, whatever their status. */
const LASTING = new Set(["rolled-back", "empty-log"]);

/** HTTP with timeouts, retries and a limit on what is read. @throws LogClientError invalid-argument */
export function createTransport(options: TransportOptions): Transport {
  const base = readUrl(options.url);
  const platform = (globalThis as { readonly fetch?: Fetch }).fetch;
  const fetch: Fetch | undefined = options.fetch ?? (platform && ((url, init) => platform(url, init)));
  if (fetch === undefined) throw new LogClientError("invalid-argument", "fetch", "this platform has none: pass one");
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const { timeout = 30_000, maxResponseBytes = 16 * 2 ** 20, clock = Date.now, random = Math.random } = options;
  const { sleep = pause, signal, authorize } = options;

  const attempt = async ({ method, path, body, headers, expect }: Message): Promise<Uint8Array> => {
    const url = `${base}${path}`;
    const authorization = await authorize?.({ method, url, body: body ?? new Uint8Array() });
    const deadline = new Deadline(timeout, signal);
    try {
      const response = await fetch(url, {
        method,
        headers: { ...(body && { "content-type": "application/octet-stream" }), ...authorization, ...headers },
        ...(body && { body: new Uint8Array(body) }),
        redirect: "error",
        signal: deadline.signal,
      });
      const bytes = await readBody(response, maxResponseBytes, url);
      const type = response.headers.get("content-type");
      if (!response.ok) throw refusal(url, response, bytes, clock());
      if (expect !== undefined && type?.split(";")[0]?.trim().toLowerCase() !== expect)
        throw new LogClientError("malformed-answer", url, `${expect} is due, not ${type ?? "nothing"}`);
      return bytes;
    } catch (cause) {
      if (cause instanceof LogClientError) throw cause;
      if (signal?.aborted === true) throw new LogClientError("aborted", url, "ended by the caller", { cause });
      if (deadline.passed)
        throw new LogClientError("timeout", url, `no complete answer within ${timeout} ms`, { cause });
      throw new LogClientError("unreachable", url, "no answer", { cause });
    } finally {
      deadline.clear();
    }
  };

  return {
    url: base,
    async send(message) {
      for (let next = 2; ; next++) {
        try {
          return await attempt(message);
        } catch (error) {
          const delay = mayPass(error) ? delayBefore(next, retry, error.retryAfter, random) : undefined;
          if (delay === undefined) throw error;
          await sleep(delay, signal);
          if (signal?.aborted === true)
            throw new LogClientError("aborted", message.path, "ended by the caller", { cause: error });
        }
      }
    },
  };
}

function mayPass(error: unknown): error is LogClientError {
  return error instanceof LogClientError && ["unreachable", "timeout", "unavailable"].includes(error.code);
}

function refusal(url: string, response: FetchResponse, body: Uint8Array, now: number): LogClientError {
  const { status } = response;
  const problem = readProblem(response.headers.get("content-type"), body);
  const retryAfter = readRetryAfter(response.headers.get("retry-after"), now);
  const passing = PASSING.has(status) && !LASTING.has(problem?.code ?? "");
  const reason = problem === undefined ? `HTTP ${status}` : `${problem.code}: ${problem.detail ?? problem.title ?? ""}`;
  return new LogClientError(passing ? "unavailable" : "refused", url, reason, { status, problem, retryAfter });
}

async function readBody(response: FetchResponse, limit: number, url: string): Promise<Uint8Array> {
  const tooLarge = (): LogClientError => new LogClientError("answer-too-large", url, `more than ${limit} bytes`);
  if (Number(response.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  if (!response.body) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > limit) throw tooLarge();
    return bytes;
  }
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (value === undefined) continue;
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function readUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new LogClientError("invalid-argument", "url", `not a URL: ${text}`, { cause });
  }
  if (!["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    throw new LogClientError("invalid-argument", "url", "an http or https URL without user, query and fragment is due");
  return url.href.replace(/\/+$/, "");
}

/** One attempt's time limit, joined with the caller's signal. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort();
  passed = false;

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#abort();
    outer?.addEventListener("abort", this.#abort);
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#abort();
    }, milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
    if (signal?.aborted === true) end();
  });
}
