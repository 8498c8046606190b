import { PROBLEMS, type ProblemCode } from "../problem.js";
import { BINARY, type Route, type RouteAccess, ROUTES } from "./route-table.js";

/** Refusals that any route may give. */
const ALWAYS: readonly ProblemCode[] = ["body-too-large", "overloaded", "storage-unavailable", "internal"];

const SECURITY: Readonly<Record<RouteAccess, readonly object[] | undefined>> = {
  everybody: undefined,
  auditor: undefined,
  search: [{}, { token: [] }, { device: [] }],
  monitor: [{}, { token: [] }, { device: [] }],
  writer: [{ token: [] }],
};

function operationOf(route: Route): object {
  const { status, type, description } = route.response;
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...route.problems, ...ALWAYS])) {
    const problem = PROBLEMS[code].status;
    byStatus.set(problem, [...(byStatus.get(problem) ?? []), code]);
  }
  const problems = [...byStatus].map(([problem, codes]) => [
    String(problem),
    {
      description: codes.map((code) => `${code}: ${PROBLEMS[code].title}`).join(". "),
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  ]);
  const schema = type === BINARY ? { type: "string", contentMediaType: BINARY } : { type: "string" };
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    ...(route.query === undefined
      ? {}
      : {
          parameters: Object.entries(route.query).map(([name, help]) => ({
            name,
            in: "query",
            description: help,
            schema: { type: "integer", minimum: 0 },
          })),
        }),
    ...(route.request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `${route.request}, TLS encoding of draft-ietf-keytrans-protocol`,
            content: { [BINARY]: { schema: { type: "string", contentMediaType: BINARY } } },
          },
        }),
    ...(SECURITY[route.access] === undefined ? {} : { security: SECURITY[route.access] }),
    responses: {
      [status]: {
        description,
        ...(type === undefined ? {} : { content: { [type.split(";")[0] ?? type]: { schema } } }),
      },
      ...Object.fromEntries(problems),
    },
  };
}

/** The interface as an OpenAPI 3.1 document, made of the same table that the routes are checked against. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace("*", "{path}");
    const operation = operationOf(route);
    const parameters = { parameters: [{ name: "path", in: "path", required: true, schema: { type: "string" } }] };
    paths[path] = { [route.method.toLowerCase()]: path === route.path ? operation : { ...operation, ...parameters } };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Key Transparency log",
      version: "1",
      description:
        "draft-ietf-keytrans-protocol over HTTP. Bodies are the draft's TLS structures; errors are RFC 9457 problem documents.",
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "The writer's token, or a reader's" },
        device: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description: "MLS-JWS with a compact JWS over the body, which is left out: alg, nonce, url, x5t#S256, x5c",
        },
      },
      schemas: {
        Problem: {
          type: "object",
          required: ["type", "title", "status", "code", "detail", "remedy", "requestId"],
          properties: {
            type: { type: "string", format: "uri" },
            title: { type: "string" },
            status: { type: "integer" },
            code: { type: "string", enum: Object.keys(PROBLEMS) },
            detail: { type: "string" },
            remedy: { type: "string" },
            path: { type: "string" },
            section: { type: "string" },
            retryAfter: { type: "integer" },
            requestId: { type: "string", format: "uuid" },
          },
        },
      },
    },
  };
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A page to read, made of the same table, with nothing from elsewhere and no script. */
export function docsPage(): string {
  const rows = ROUTES.map(
    ({ method, path, summary, request, response, access }) =>
      `<tr><td><code>${method} ${escape(path)}</code></td><td>${escape(summary)}</td><td>${escape(request ?? "")}</td>` +
      `<td>${response.status} ${escape(response.description)}</td><td>${access}</td></tr>`,
  );
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Key Transparency log</title></head><body>` +
    `<h1>Key Transparency log</h1><p>Machine-readable: <a href="/openapi.json">/openapi.json</a></p><table>` +
    `<tr><th>Route</th><th></th><th>Request</th><th>Response</th><th>For</th></tr>${rows.join("")}</table>` +
    `<p>Try it: <code>curl -s HOST/v1/configuration | xxd</code>, or <code>kt watch</code>.</p></body></html>`
  );
}
