import { isDatabaseUnavailable, strictJsonBody } from "@mls-as/service-runtime";
import { SignerError } from "@mls-as/signers";
import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ZodError } from "zod";
import { Problem } from "../problem.js";

const ADMIN_CHALLENGE = 'Bearer realm="mls-as admin"';

/** The problem document of a refusal, with its headers. */
export function refuse(c: Context, problem: Problem, challenge = ADMIN_CHALLENGE): Response {
  c.header("Cache-Control", "no-store");
  if (problem.retryAfter !== undefined) c.header("Retry-After", String(problem.retryAfter));
  if (problem.code === "unauthorized") c.header("WWW-Authenticate", challenge);
  // The rest of the body is not read: the connection cannot carry another request.
  if (problem.code === "body-too-large") c.header("Connection", "close");
  const requestId = c.get("requestId") as string | undefined;
  const document = { ...problem.toJSON(), ...(requestId === undefined ? {} : { requestId }) };
  return c.body(JSON.stringify(document), problem.status, { "Content-Type": "application/problem+json" });
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
    "",
  );
}

/** The first thing that a schema found wrong, as a problem. */
export function schemaProblem(error: ZodError): Problem {
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown?.code === "unrecognized_keys") {
    const [key = ""] = unknown.keys;
    return new Problem("unknown-field", `There is no field ${JSON.stringify(key)}.`, {
      path: pathText([...unknown.path, key]),
      section: "HTTP",
    });
  }
  const [issue] = error.issues;
  return new Problem("invalid-field", `${issue?.message ?? "The value does not fit"}.`, {
    path: pathText(issue?.path ?? []),
    section: "HTTP",
  });
}

/** For `OpenAPIHono({ defaultHook })`: refusals of the schemas become problem documents. */
export function validationHook(
  result: { success: true } | { success: false; error: ZodError },
  c: Context,
): Response | undefined {
  return result.success ? undefined : refuse(c, schemaProblem(result.error));
}

/** Everything that is thrown ends here; what is not a refusal is reported and answered without detail. */
export function errorHandler(
  report: (error: unknown, request: string, requestId: string | undefined) => void,
): ErrorHandler {
  return (error, c) => {
    if (error instanceof Problem) return refuse(c, error);
    if (error instanceof HTTPException) {
      if (error.status === 413)
        return refuse(c, new Problem("body-too-large", "The body is larger than this endpoint takes."));
      if (error.status === 400) return refuse(c, new Problem("malformed-json", "The body is not JSON."));
    }
    report(error, `${c.req.method} ${c.req.path}`, c.get("requestId") as string | undefined);
    if (error instanceof SignerError)
      return refuse(
        c,
        new Problem("signer-unavailable", "The key cannot be used now.", { retryAfter: 10, cause: error }),
      );
    if (isDatabaseUnavailable(error))
      return refuse(
        c,
        new Problem("storage-unavailable", "What is asked for cannot be read or kept now.", {
          retryAfter: 5,
          cause: error,
        }),
      );
    return refuse(c, new Problem("internal", "The service could not complete the request; it may be tried again."));
  };
}

/** Reads JSON bodies strictly before the schemas see them; the body's size is limited before. */
export const requireStrictJson: MiddlewareHandler = strictJsonBody(
  ({ message, path, section }) =>
    new Problem("malformed-json", `The body is not JSON as it must be: ${message}.`, {
      section,
      ...(path === "" ? {} : { path }),
    }),
);

/** Refuses bodies of another media type than the endpoint takes. */
export function requireMediaType(...types: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const header = c.req.header("content-type") ?? "";
    // A spelling that the body parser would not take for JSON must not get past this check as JSON.
    const given = /^([^\s;]+)(;\s*[\w-]+=[^;\s]+)*$/.exec(header)?.[1]?.toLowerCase() ?? "";
    if (!types.includes(given))
      throw new Problem("unsupported-media-type", `Send ${types.join(" or ")}.`, {
        path: "Content-Type",
        section: "HTTP",
      });
    await next();
  };
}
