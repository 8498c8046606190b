import type { ContentfulStatusCode } from "hono/utils/http-status";

/** One way to refuse: HTTP status, stable summary, and what the caller does about it. */
export interface ProblemRow {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly remedy: string;
}

/** A service's ways to refuse, by code. A code never gets another meaning. */
export type ProblemTable = Readonly<Record<string, ProblemRow>>;

export interface ProblemKind<Code extends string> {
  /** Goes before the code in `type`, as `urn:mls-as:problem:`. */
  readonly namespace: string;
  readonly table: Readonly<Record<Code, ProblemRow>>;
}

/** Where and by which rule a request was refused. */
export interface ProblemDetails {
  /** The offending field, as `csrs[1]` or `enrolment.token`. */
  readonly path?: string | undefined;
  /** The rule, by the title of the section of its specification. */
  readonly section?: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter?: number | undefined;
  /** For the service's own log; never answered. */
  readonly cause?: unknown;
}

/** A refusal, answered as a problem document (RFC 9457). A service derives its own with its closed union of codes. */
export abstract class ServiceProblem<Code extends string> extends Error {
  override readonly name = "Problem";
  readonly code: Code;
  readonly path: string | undefined;
  readonly section: string | undefined;
  readonly retryAfter: number | undefined;
  readonly #kind: ProblemKind<Code>;

  /** `detail` defaults to the row's title. */
  constructor(
    kind: ProblemKind<Code>,
    code: Code,
    detail?: string,
    { path, section, retryAfter, cause }: ProblemDetails = {},
  ) {
    super(detail ?? kind.table[code].title, cause === undefined ? undefined : { cause });
    this.#kind = kind;
    this.code = code;
    this.path = path === "" ? undefined : path;
    this.section = section;
    this.retryAfter = retryAfter;
  }

  get status(): ContentfulStatusCode {
    return this.#kind.table[this.code].status;
  }

  /** The document of RFC 9457. */
  toJSON(): Record<string, unknown> {
    const { title, status, remedy } = this.#kind.table[this.code];
    return {
      type: `${this.#kind.namespace}${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      remedy,
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(this.section === undefined ? {} : { section: this.section }),
      ...(this.retryAfter === undefined ? {} : { retryAfter: this.retryAfter }),
    };
  }
}

export interface ProblemResponseOptions {
  readonly requestId?: string | undefined;
  /** Realm of the bearer challenge that goes with 401. */
  readonly realm?: string | undefined;
}

/** The response of a refusal, with the headers that its status asks for. */
export function problemResponse(
  problem: ServiceProblem<string>,
  { requestId, realm }: ProblemResponseOptions = {},
): Response {
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (requestId !== undefined) headers.set("x-request-id", requestId);
  if (problem.retryAfter !== undefined) headers.set("retry-after", String(problem.retryAfter));
  if (problem.status === 401 && realm !== undefined) headers.set("www-authenticate", `Bearer realm="${realm}"`);
  // The rest of the body is not read: the connection cannot carry another request.
  if (problem.status === 413) headers.set("connection", "close");
  const document = requestId === undefined ? problem : { ...problem.toJSON(), requestId };
  return new Response(JSON.stringify(document), { status: problem.status, headers });
}
