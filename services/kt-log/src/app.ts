import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { KeytransError, UpdateRequest } from "@mls-as/keytrans";
import { ProverError } from "@mls-as/keytrans/prover";
import { bearerToken, isSecret, problemResponse as answerProblem, RateLimit } from "@mls-as/service-runtime";
import { CodecError, decode, encode, opaque, vector } from "@mls-as/tls-codec";
import { type Context as HonoContext, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { acceptAuditorTreeHead, assertAudited } from "./auditor-tree-head.js";
import type { Context } from "./context.js";
import { forwardUpdate } from "./forward.js";
import { Problem, PROBLEMS, type ProblemCode } from "./problem.js";
import { requestLabel } from "./request-label.js";

type Answer = (request: Uint8Array) => Promise<Uint8Array>;
const BINARY = "application/octet-stream";

function binary(bytes: Uint8Array): Response {
  return new Response(bytes.slice().buffer, { headers: { "content-type": BINARY, "cache-control": "no-store" } });
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CodecError) return new Problem("malformed", error.message, { path: error.path });
  if ((error instanceof ProverError || error instanceof KeytransError) && Object.hasOwn(PROBLEMS, error.code)) {
    const { code, message, path, section } = error;
    return new Problem(code as ProblemCode, message, { path, section });
  }
  return new Problem("internal");
}

const problemResponse = (problem: Problem, requestId: string): Response =>
  answerProblem(problem, { requestId, realm: "kt-log" });

interface Environment {
  Variables: { requestId: string };
}
export type LogApp = Hono<Environment>;

/** The log's HTTP interface: the draft's TLS structures in and out. Reads nothing but the context. */
export function createApp(context: Context): LogApp {
  const { prover, store, config, metrics, logger } = context;
  const app: LogApp = new Hono();
  const requestId = (c: HonoContext<Environment>): string => c.get("requestId");

  app.use(async (c, next) => {
    c.set("requestId", randomUUID());
    const started = performance.now();
    await next();
    const operation = Object.hasOwn(OPERATIONS, c.req.path) ? c.req.path : "other";
    const seconds = (performance.now() - started) / 1000;
    metrics.requests.inc({ operation, status: c.res.status });
    metrics.durations.observe({ operation }, seconds);
    c.res.headers.set("x-request-id", requestId(c));
    logger.debug({ requestId: requestId(c), operation, status: c.res.status, seconds }, "answered");
  });
  const tooLarge = (): Problem => new Problem("body-too-large", `bodies have at most ${config.maxBodyBytes} bytes`);
  const limitStream = bodyLimit({
    maxSize: config.maxBodyBytes,
    onError: () => {
      throw tooLarge();
    },
  });
  app.use((c, next) => {
    const length = c.req.header("content-length");
    // A body of unknown length is counted as it comes, which takes a stream of the Fetch standard: far more work.
    if (length === undefined || c.req.header("transfer-encoding") !== undefined) return limitStream(c, next);
    if (Number(length) > config.maxBodyBytes) throw tooLarge();
    return next();
  });
  app.onError((error, c) => {
    const problem = toProblem(error);
    if (problem.code === "internal") logger.error({ err: error, requestId: requestId(c) }, "unexpected error");
    return problemResponse(problem, requestId(c));
  });
  app.notFound((c) => {
    const allowed = OPERATIONS[c.req.path];
    const code = allowed === undefined || allowed === c.req.method ? "not-found" : "method-not-allowed";
    return problemResponse(new Problem(code), requestId(c));
  });

  const isWriter = (c: HonoContext): boolean =>
    isSecret(bearerToken(c.req.header("authorization")), context.writerTokenHash);
  const callers = new RateLimit({ perSecond: config.callerRate, burst: 4 * config.callerRate }, context.clock);
  const labels = new RateLimit({ perSecond: config.labelRate, burst: 4 * config.labelRate }, context.clock);

  const takeOf = (limiter: RateLimit, key: string): void => {
    const retryAfter = limiter.take(key);
    if (retryAfter > 0) throw new Problem("rate-limited", undefined, { retryAfter });
  };

  const operation = (path: string, answer: Answer): void => {
    app.post(path, async (c) => {
      await assertAudited(context);
      requireBinary(c);
      return binary(await answer(new Uint8Array(await c.req.arrayBuffer())));
    });
  };
  /** An operation on a label, for whoever may read; the writer is not held up by limits. */
  const reading = (path: string, answer: Answer, labelFirst = false): void => {
    app.use(path, async (c, next) => {
      if (!context.access.mayRead(c.req.header("authorization"))) throw new Problem("unauthorized");
      if (!isWriter(c)) {
        takeOf(callers, callerOf(c, config.callerHeader));
        const label = requestLabel(new Uint8Array(await c.req.arrayBuffer()), labelFirst);
        if (label !== undefined) takeOf(labels, Buffer.from(label).toString("latin1"));
      }
      await next();
    });
    operation(path, answer);
  };

  app.get("/v1/configuration", () => binary(context.configurationBytes));
  app.get("/v1/tree-head", async () => binary(await prover.treeHead()));
  reading("/v1/search", (request) => prover.search(request));
  operation("/v1/distinguished", (request) => prover.distinguished(request));
  reading("/v1/owner-init", (request) => prover.ownerInit(request));
  reading("/v1/owner-monitor", (request) => prover.ownerMonitor(request));
  reading("/v1/contact-monitor", (request) => prover.contactMonitor(request));
  reading("/v1/credential", (request) => prover.credential(request), true);
  reading("/v1/credential-update", (request) => prover.credentialUpdate(request), true);
  app.use("/v1/update", async (c, next) => {
    if (c.req.method === "POST" && !isWriter(c)) throw new Problem("unauthorized");
    await next();
  });
  app.post("/v1/update", async (c, next) => {
    if (context.leadership.leading) return next();
    return forwardUpdate(context.leadership, c.req.raw.headers, new Uint8Array(await c.req.arrayBuffer()));
  });
  app.post("/v1/update", async (c, next) => {
    if (!prefersMinimal(c.req.header("prefer"))) return next();
    requireBinary(c);
    if (!(await insert(context, new Uint8Array(await c.req.arrayBuffer())))) return next();
    return c.body(null, 204, { "preference-applied": "return=minimal", "cache-control": "no-store" });
  });
  operation("/v1/update", (request) => update(context, request));
  app.get("/v1/auditor/updates", async (c) => {
    const start = count(c.req.query("start"), "start", 0, Number.MAX_SAFE_INTEGER, 0);
    const limit = count(c.req.query("limit"), "limit", 1, 1000, 100);
    return binary(encode(AuditorUpdates, await store.auditorUpdates(start, limit)));
  });

  app.post("/v1/auditor/tree-head", async (c) => {
    await acceptAuditorTreeHead(context, new Uint8Array(await c.req.arrayBuffer()));
    return c.body(null, 204);
  });

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    const head = await store.head();
    const late = head === undefined ? Number.POSITIVE_INFINITY : context.clock() - head.timestamp;
    const { whole } = context.headMemory;
    const ready = whole && late <= Number(context.configuration.maxBehind);
    return c.json(
      {
        ready,
        rolledBack: !whole,
        treeSize: head?.treeSize ?? 0,
        headAgeMilliseconds: head === undefined ? null : late,
      },
      ready ? 200 : 503,
    );
  });
  app.get("/metrics", async (c) => c.text(await metrics.render()));
  return app;
}

/** Whom to count a request for: what a trusted proxy says, or the connection's address. */
function callerOf(c: HonoContext, header: string | undefined): string {
  if (header !== undefined) return c.req.header(header) ?? "";
  const connection = c.env as { readonly incoming?: IncomingMessage } | undefined;
  return connection?.incoming?.socket.remoteAddress ?? "";
}

function requireBinary(c: HonoContext): void {
  if (c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() !== BINARY)
    throw new Problem("unsupported-media-type");
}

/** `Prefer: return=minimal` (RFC 7240, "The return=representation and return=minimal Preferences"). */
const prefersMinimal = (prefer: string | undefined): boolean =>
  prefer?.split(",").some((part) => /^return\s*=\s*"?minimal"?$/i.test(part.split(";")[0]?.trim() ?? "")) ?? false;

/** Paths and their methods: for 405, and as the closed set of metric labels. */
const OPERATIONS: Readonly<Record<string, string>> = {
  "/v1/configuration": "GET",
  "/v1/tree-head": "GET",
  "/v1/search": "POST",
  "/v1/distinguished": "POST",
  "/v1/owner-init": "POST",
  "/v1/owner-monitor": "POST",
  "/v1/contact-monitor": "POST",
  "/v1/credential": "POST",
  "/v1/credential-update": "POST",
  "/v1/update": "POST",
  "/v1/auditor/updates": "GET",
  "/v1/auditor/tree-head": "POST",
  "/healthz": "GET",
  "/readyz": "GET",
  "/metrics": "GET",
};

/** `opaque updates<0..2^16-1>`, each an encoded `AuditorUpdate` with a 32-bit length. */
const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

function count(text: string | undefined, path: string, low: number, high: number, fallback: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) throw new Problem("malformed", `${path} is from ${low} to ${high}`, { path });
  return value;
}

/**
 * Inserts new versions, durable before it returns. @returns whether they were inserted by this request; false: the log
 * holds later versions already, of which {@link update} tells
 */
async function insert(context: Context, request: Uint8Array): Promise<boolean> {
  const { prover, sequencer, store, headMemory } = context;
  const head = await store.head();
  const { last } = decode(UpdateRequest, request);
  if (head !== undefined && last !== undefined) headMemory.shown(last, head);
  // Each loss of the race for a label means that it has grown, so that the next plan is answered with what there is.
  for (let attempt = 0; attempt < 4; attempt++) {
    const plan = await prover.planUpdate(request);
    if (plan.kind === "answer") return false;
    if ((await sequencer.submit(plan.change)) === "inserted") return true;
  }
  throw new Problem("overloaded", "the label is being changed by too many writers", { retryAfter: 1 });
}

/**
 * Inserts new versions and proves it. Repeating a request is safe: once the versions exist, the answer lists them instead
 * of inserting again (draft, "Update"), also when another writer came first.
 */
async function update(context: Context, request: Uint8Array): Promise<Uint8Array> {
  if (await insert(context, request)) return context.prover.answerUpdate(request);
  const plan = await context.prover.planUpdate(request);
  const response = plan.kind === "answer" ? plan.responses[0] : undefined;
  if (response === undefined) throw new Problem("internal");
  return response;
}
