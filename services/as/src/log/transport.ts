import * as http from "node:http";
import * as https from "node:https";
import { LogError } from "./log.js";

export interface LogTransport {
  readonly url: string;
  /** Sends a TLS structure to `/v1/{endpoint}` and returns the one that came back. @throws LogError */
  post(endpoint: string, body: Uint8Array): Promise<Uint8Array>;
  get(endpoint: string): Promise<Uint8Array>;
}

export interface LogTransportOptions {
  readonly url: string;
  /** Bearer token that the log's `init` made for its writer; empty for one who only reads a public log. */
  readonly writerToken: string;
  /** Milliseconds for a whole exchange. */
  readonly timeout: number;
}

const MAX_RESPONSE = 16 * 1024 * 1024;
/** Refusals that say something about this service's set-up or the moment, not about the request. */
const NOT_A_VERDICT = new Set([401, 403, 404, 405, 408, 425, 429]);

/** Codes by which a log says that it does not hold a tree which it has signed. */
const FORGOTTEN_TREE = new Set<unknown>(["invalid-last", "rolled-back"]);
/** Milliseconds after which an unused connection is given up: before the server does so, which would cross a request. */
const IDLE = 3_000;

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

interface Exchange {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array | undefined;
}

/**
 * HTTP to the log, over connections that are kept: three exchanges make an issuance, and `fetch` costs more of the CPU
 * than everything else about them. A definite refusal is told apart from silence, since only the former means "not
 * logged". Redirects are not followed.
 */
export function httpLogTransport({ url, writerToken, timeout }: LogTransportOptions): LogTransport {
  const base = url.replace(/\/+$/, "");
  const client = base.startsWith("https:") ? https : http;
  const agent = new client.Agent({ keepAlive: true, timeout: IDLE });
  const exchange = async (endpoint: string, wanted: Exchange): Promise<Uint8Array> => {
    const target = `${base}/v1/${endpoint}`;
    let answer: Answer;
    try {
      answer = await ask(target, wanted);
    } catch (cause) {
      if (cause instanceof LogError) throw cause;
      throw new LogError("unavailable", `no answer from ${target}`, { cause });
    }
    const { status, body } = answer;
    if (status >= 200 && status < 300) return body;
    const detail = `${target} answered ${status}: ${new TextDecoder().decode(body.subarray(0, 500))}`;
    if (status === 404 && problemCode(body) === "label-unknown") throw new LogError("label-unknown", detail);
    if (FORGOTTEN_TREE.has(problemCode(body))) throw new LogError("proof-invalid", detail);
    const verdict = status >= 400 && status < 500 && !NOT_A_VERDICT.has(status);
    throw new LogError(verdict ? "refused" : "unavailable", detail);
  };

  const ask = (target: string, { method, headers, body }: Exchange, again = true): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = client.request(target, { method, headers, agent });
      const late = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
      let answered = false;
      outgoing.on("response", (incoming) => {
        answered = true;
        readLimited(incoming)
          .then((octets) => resolve({ status: incoming.statusCode ?? 0, body: octets }), reject)
          .finally(() => clearTimeout(late));
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(late);
        // The log closed a kept connection just then. Every request may be repeated, updates too.
        if (again && !answered && outgoing.reusedSocket && error.code === "ECONNRESET")
          resolve(ask(target, { method, headers, body }, false));
        else reject(error);
      });
      outgoing.end(body);
    });

  return {
    url: base,
    get: (endpoint) => exchange(endpoint, { method: "GET", headers: {}, body: undefined }),
    post: (endpoint, body) =>
      exchange(endpoint, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/octet-stream",
          "content-length": body.length,
          // A log that is closed to strangers lets its writer read.
          ...(writerToken === "" ? {} : { authorization: `Bearer ${writerToken}` }),
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

function readLimited(incoming: http.IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    incoming.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_RESPONSE) {
        reject(new LogError("proof-invalid", "the log's answer is too large"));
        incoming.destroy();
      }
    });
    incoming.on("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
    incoming.on("error", reject);
    incoming.on("close", () => {
      if (!incoming.complete) reject(new Error("the answer was cut short"));
    });
  });
}
