import type { Context as HonoContext } from "hono";
import { Problem } from "../problem.js";
import { BINARY } from "./route-table.js";

/** An answer that is a TLS structure. Octets rather than a buffer: those go out without a stream between. */
export function binary(bytes: Uint8Array, cacheControl = "no-store"): Response {
  return new Response(bytes.slice(), { headers: { "content-type": BINARY, "cache-control": cacheControl } });
}

/** The body of a request that carries a TLS structure. @throws Problem unsupported-media-type */
export async function binaryBody(c: HonoContext): Promise<Uint8Array> {
  if (c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() !== BINARY)
    throw new Problem("unsupported-media-type");
  return new Uint8Array(await c.req.arrayBuffer());
}

/** A whole number of the query. @throws Problem malformed */
export function queryNumber(
  text: string | undefined,
  path: string,
  { low, high, fallback }: { readonly low: number; readonly high: number; readonly fallback?: number },
): number {
  if (text === undefined && fallback !== undefined) return fallback;
  const value = /^\d{1,16}$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) throw new Problem("malformed", `${path} is from ${low} to ${high}`, { path });
  return value;
}
