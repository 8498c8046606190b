import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { originHash, type WitnessAnswer } from "@mls-as/keytrans/witness";
import { Failure } from "../failure.js";
import type { Witnessing } from "./witnessing.js";

/** A checkpoint, 63 hashes and the signatures of many witnesses stay far below this. */
const LARGEST_BODY = 64 * 1024;
const TEXT = "text/plain; charset=utf-8";
const plain = (status: number, body: string, contentType = TEXT): Reply => ({ status, contentType, body });

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Serves a witness by C2SP tlog-witness: `POST /add-checkpoint`, `GET /{origin hash}/checkpoint`, and `/healthz`. */
export async function serveWitness(witnessing: Witnessing, listen: string): Promise<{ server: Server; url: string }> {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[2]) > 65_535)
    throw new Failure("usage", "--listen takes HOST:PORT or PORT", { path: "--listen" });
  const server = createServer((request, response) => {
    answer(witnessing, request).then(
      ({ status, contentType, body }) => {
        // What is left of a body that is too large is not read: the connection cannot carry another request.
        if (status === 413) response.setHeader("connection", "close");
        return response.writeHead(status, { "content-type": contentType }).end(body);
      },
      () => response.writeHead(500, { "content-type": TEXT }).end("the witness failed; try again later\n"),
    );
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  server.listen(Number(match[2]), match[1] ?? "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Failure("usage", `${listen} cannot be listened on`, { path: "--listen", cause });
  }
  const { address, port, family } = server.address() as AddressInfo;
  return { server, url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}` };
}

async function answer(witnessing: Witnessing, request: IncomingMessage): Promise<Reply | WitnessAnswer> {
  const path = (request.url ?? "").replace(/\?.*$/, "");
  if (path === "/add-checkpoint") {
    if (request.method !== "POST") return plain(405, "POST is due\n");
    const body = await readBody(request);
    return body === undefined ? plain(413, "the body is too large\n") : await witnessing.add(body);
  }
  if (request.method !== "GET") return plain(405, "GET is due\n");
  if (path === "/healthz") return plain(200, "ok\n");
  const found = witnessing.origins().find((origin) => path === `/${originHash(origin)}/checkpoint`);
  const checkpoint = found === undefined ? undefined : witnessing.checkpointOf(found);
  return checkpoint === undefined ? plain(404, "this witness has cosigned no such log\n") : plain(200, checkpoint);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
