import type { IncomingMessage } from "node:http";
import { addressShare } from "@mls-as/service-runtime";
import type { Context as HonoContext } from "hono";

/** Whom to count a request for: what a trusted proxy says, or the connection's address; see {@link addressShare}. */
export function callerAddress(c: HonoContext, header: string | undefined): string {
  if (header !== undefined) return addressShare(c.req.header(header) ?? "");
  const connection = c.env as { readonly incoming?: IncomingMessage } | undefined;
  return addressShare(connection?.incoming?.socket.remoteAddress ?? "");
}
