import { LogError } from "./log.js";

export interface LogTransport {
  readonly url: string;
  /** Sends a TLS structure to `/v1/{endpoint}` and returns the one that came back. @throws LogError */
  post(endpoint: string, body: Uint8Array): Promise<Uint8Array>;
  get(endpoint: string): Promise<Uint8Array>;
}

export interface LogTransportOptions {
  readonly url: string;
  /** Bearer token that the log's `init` made for its writer. */
  readonly writerToken: string;
  /** Milliseconds for a whole exchange. */
  readonly timeout: number;
}

const MAX_RESPONSE = 16 * 1024 * 1024;
/** Refusals that say something about this service's set-up or the moment, not about the request. */
const NOT_A_VERDICT = new Set([401, 403, 404, 405, 408, 425, 429]);

/** HTTP to the log. A definite refusal is told apart from silence, since only the former means "not logged". */
export function httpLogTransport({ url, writerToken, timeout }: LogTransportOptions): LogTransport {
  const base = url.replace(/\/+$/, "");
  const exchange = async (endpoint: string, init: RequestInit): Promise<Uint8Array> => {
    let response: Response;
    let body: Uint8Array;
    try {
      response = await fetch(`${base}/v1/${endpoint}`, {
        ...init,
        redirect: "error",
        signal: AbortSignal.timeout(timeout),
      });
      body = await readLimited(response);
    } catch (cause) {
      if (cause instanceof LogError) throw cause;
      throw new LogError("unavailable", `no answer from ${base}/v1/${endpoint}`, { cause });
    }
    if (response.ok) return body;
    const detail = `${base}/v1/${endpoint} answered ${response.status}: ${new TextDecoder().decode(body.subarray(0, 500))}`;
    if (response.status === 404 && problemCode(body) === "label-unknown") throw new LogError("label-unknown", detail);
    const verdict = response.status >= 400 && response.status < 500 && !NOT_A_VERDICT.has(response.status);
    throw new LogError(verdict ? "refused" : "unavailable", detail);
  };
  return {
    url: base,
    get: (endpoint) => exchange(endpoint, { method: "GET" }),
    post: (endpoint, body) =>
      exchange(endpoint, {
        method: "POST",
        body: new Uint8Array(body),
        headers: {
          "content-type": "application/octet-stream",
          ...(endpoint === "update" ? { authorization: `Bearer ${writerToken}` } : {}),
        },
      }),
  };
}

/** The code of a problem document, where the body is one. */
function problemCode(body: Uint8Array): unknown {
  try {
    return (JSON.parse(new TextDecoder().decode(body)) as { code?: unknown } | null)?.code;
  } catch {
    return undefined;
  }
}

async function readLimited(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_RESPONSE) throw new LogError("proof-invalid", "the log's answer is too large");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
