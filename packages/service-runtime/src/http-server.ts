import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { ConfigurationError } from "./configuration-error.js";

export interface ListenOptions {
  /** The application; Hono's `app.fetch`. */
  readonly fetch: (request: Request, bindings: unknown) => Response | Promise<Response>;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Milliseconds until a request must have arrived whole; default 60,000. */
  readonly requestTimeout?: number;
  /** Milliseconds until the headers must have arrived; default 15,000. */
  readonly headersTimeout?: number;
}

export interface HttpServer {
  readonly url: string;
  readonly server: Server;
  /** Takes no more requests, waits up to `patience` milliseconds (default 5,000) for those under way, then cuts them off. */
  close(patience?: number): Promise<void>;
}

/** Listens. @throws ConfigurationError when the port is taken or the address is not this machine's */
export async function listen(options: ListenOptions): Promise<HttpServer> {
  const { host, port } = options;
  const server = createAdaptorServer({ fetch: options.fetch }) as Server;
  server.requestTimeout = options.requestTimeout ?? 60_000;
  server.headersTimeout = options.headersTimeout ?? 15_000;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw listenError(cause, host, port);
  }
  const { address, port: actual, family } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${actual}`,
    server,
    close(patience = 5000) {
      closing ??= drain(server, patience);
      return closing;
    },
  };
}

function listenError(cause: unknown, host: string, port: number): unknown {
  const faults = {
    EADDRINUSE: { field: "port", message: `port ${port} on ${host} is taken`, remedy: "Choose another." },
    EADDRNOTAVAIL: { field: "host", message: `${host} is not this machine's`, remedy: "Choose one of its addresses." },
    EACCES: { field: "port", message: `port ${port} needs privileges`, remedy: "Choose one from 1024 on." },
  } as const;
  const { code } = cause as NodeJS.ErrnoException;
  const fault = Object.entries(faults).find(([name]) => name === code)?.[1];
  return fault === undefined ? cause : new ConfigurationError([fault], { cause });
}

async function drain(server: Server, patience: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const cut = setTimeout(() => server.closeAllConnections(), patience);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
