import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";

export interface BodyLimitOptions {
  /** Octets. */
  readonly maxSize: number;
  /** Answers or throws; default an HTTPException with status 413. */
  readonly onError?: (c: Context) => Response | Promise<Response>;
}

/**
 * Refuses larger bodies. Where the length is announced, Node's parser holds the body to it, and the announcement is all
 * that is looked at: looking at the body, as Hono's own limit does, costs more than reading it.
 */
export function limitBody({ maxSize, onError = tooLarge }: BodyLimitOptions): MiddlewareHandler {
  const counting = bodyLimit({ maxSize, onError });
  return async (c, next) => {
    const length = c.req.header("content-length");
    const announced = length !== undefined && /^\d{1,15}$/.test(length) && !c.req.header("transfer-encoding");
    if (!announced) return await counting(c, next);
    if (Number(length) > maxSize) return await onError(c);
    return await next();
  };
}

function tooLarge(): never {
  throw new HTTPException(413, { message: "the body is too large" });
}
