import { expect, test } from "vitest";
import { type ProblemDetails, problemResponse, type ProblemTable, ServiceProblem } from "./problem.js";

const TABLE = {
  late: { status: 503, title: "Late", remedy: "Wait." },
  large: { status: 413, title: "Large", remedy: "Split." },
  who: { status: 401, title: "Who", remedy: "Say." },
} as const satisfies ProblemTable;

class Problem extends ServiceProblem<keyof typeof TABLE> {
  constructor(code: keyof typeof TABLE, detail?: string, details?: ProblemDetails) {
    super({ namespace: "urn:x:", table: TABLE }, code, detail, details);
  }
}

test("a refusal becomes the document of RFC 9457, and its cause stays inside", async () => {
  const problem = new Problem("late", "not yet", { path: "a[1]", retryAfter: 3, cause: new Error("secret") });
  const response = problemResponse(problem, { requestId: "r" });
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("retry-after")).toBe("3");
  expect(await response.json()).toEqual({
    type: "urn:x:late",
    title: "Late",
    status: 503,
    code: "late",
    detail: "not yet",
    remedy: "Wait.",
    path: "a[1]",
    retryAfter: 3,
    requestId: "r",
  });
});

test("401 challenges, 413 ends the connection", () => {
  expect(problemResponse(new Problem("who"), { realm: "x" }).headers.get("www-authenticate")).toBe('Bearer realm="x"');
  expect(problemResponse(new Problem("large")).headers.get("connection")).toBe("close");
});
