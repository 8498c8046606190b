import { context, propagation, SpanStatusCode, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ConfigurationError } from "./configuration-error.js";
import { startTracing, traceRequests, withSpan } from "./tracing.js";

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

test("a request's span hangs below the caller's, inner work below it, and neither holds what the caller wrote", async () => {
  exporter.reset();
  const app = new Hono();
  app.use(traceRequests((c) => (c.req.path.startsWith("/users/") ? "/users/{id}" : "other")));
  app.get("/users/:id", (c) => withSpan("work", { "log.size": 3 }, () => c.text("ok")));
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await app.request("/users/alice", { headers: { traceparent } });
  const [work, request] = exporter.getFinishedSpans();
  expect(request?.name).toBe("GET /users/{id}");
  expect(request?.attributes).toMatchObject({ "http.route": "/users/{id}", "http.response.status_code": 200 });
  expect(request?.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(request?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  expect(work?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(work?.attributes).toEqual({ "log.size": 3 });
  expect(JSON.stringify([work?.attributes, request?.attributes, request?.name])).not.toContain("alice");
});

test("a failure is marked by its code, not by its message, and thrown on", async () => {
  exporter.reset();
  const failure = Object.assign(new Error("alice is unknown"), { code: "label-unknown" });
  await expect(withSpan("work", {}, () => Promise.reject(failure))).rejects.toBe(failure);
  const [span] = exporter.getFinishedSpans();
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR });
  expect(span?.attributes).toEqual({ "error.type": "label-unknown" });
  expect(span?.events).toEqual([]);
});

test("without an endpoint nothing is loaded; with one and no SDK, the error says what to install", async () => {
  await (await startTracing({ service: "x", endpoint: undefined })).stop();
  vi.doMock("@opentelemetry/sdk-trace-node", () => {
    throw new Error("Cannot find package");
  });
  await expect(startTracing({ service: "x", endpoint: "http://127.0.0.1:4318" })).rejects.toThrow(ConfigurationError);
  await expect(startTracing({ service: "x", endpoint: "http://127.0.0.1:4318" })).rejects.toThrow(
    /npm install @opentelemetry\/sdk-trace-node@2/,
  );
  vi.doUnmock("@opentelemetry/sdk-trace-node");
});
