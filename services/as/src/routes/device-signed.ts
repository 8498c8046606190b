import { z } from "@hono/zod-openapi";
import { parseStrictJson } from "@mls-as/service-runtime";
import { Problem } from "../problem.js";
import { schemaProblem } from "./refusal.js";
import { Bytes } from "./schemas.js";

const FlattenedJws = z
  .strictObject({ protected: Bytes.max(4096), payload: Bytes, signature: Bytes.max(1024) })
  .openapi("DeviceSignedRequest");

/** The body of requests that a device signs. */
export const joseBody = {
  required: true,
  content: { "application/jose+json": { schema: FlattenedJws } },
} as const;

/** Parses what a signature covers. @throws Problem `malformed-json`, `unknown-field`, `invalid-field` */
export function payloadOf<S extends z.ZodType>(schema: S, payload: Uint8Array): z.infer<S> {
  let value: unknown;
  try {
    value = parseStrictJson(payload);
  } catch (cause) {
    throw new Problem("malformed-json", "The payload is not JSON.", { path: "payload", cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw schemaProblem(result.error);
  return result.data;
}
