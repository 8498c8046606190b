import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { toBase64Url } from "../binary-text.js";

/** What is known of the TLS connection that a request came over. */
export interface EstConnection {
  readonly address: string;
  /** Base64 `tls-unique` of the handshake (RFC 5929); undefined from TLS 1.3 on, which has none. */
  readonly binding: string | undefined;
  /** Base64url SHA-256 of the certificate whose key the client has shown to hold; undefined without one. */
  readonly clientThumbprint: string | undefined;
}

/** Reads a connection after its handshake. Sessions are not resumed here, so the client's Finished message came first. */
export function readConnection(socket: TLSSocket): EstConnection {
  const finished = socket.getProtocol() === "TLSv1.2" ? socket.getPeerFinished() : undefined;
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  return {
    address: socket.remoteAddress ?? "unknown",
    binding: finished?.toString("base64"),
    clientThumbprint: raw === undefined ? undefined : toBase64Url(createHash("sha256").update(raw).digest()),
  };
}
