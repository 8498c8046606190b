import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { constants } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import type { AppContext } from "../context.js";
import { readConnection } from "./connection.js";
import type { EstConfig } from "./est-config.js";
import { createEstApp } from "./enrolment-over-secure-transport.js";

export interface EstListener {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts to serve EST. Client certificates are asked for and never required; whose they are is decided by looking them
 * up among the issued ones, so no chain is built here.
 */
export async function listenForEst(context: AppContext, config: EstConfig): Promise<EstListener> {
  const [cert, key] = await Promise.all([readFile(config.certificateFile), readFile(config.keyFile)]);
  const app = createEstApp(context);
  const server = createServer(
    {
      cert,
      key,
      minVersion: "TLSv1.2",
      requestCert: true,
      rejectUnauthorized: false,
      // Resumed handshakes are not tied to the client's key, and their tls-unique is the server's.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (request, response) =>
      void getRequestListener((incoming) =>
        app.fetch(incoming, { connection: readConnection(request.socket as TLSSocket) }),
      )(request, response),
  );
  server.requestTimeout = 60_000;
  server.headersTimeout = 15_000;
  const host = config.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), 10_000);
  await closed;
  clearTimeout(force);
}
