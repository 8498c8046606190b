import {
  type Attributes,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import type { Context, MiddlewareHandler } from "hono";
import { ConfigurationError } from "./configuration-error.js";

const INSTRUMENTATION = "mls-as";

/**
 * Runs `work` in a span. Costs next to nothing where no tracer is installed. Attributes never hold a label, a name of a
 * user or a secret: traces leave the machine.
 */
export async function withSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T> | T,
): Promise<T> {
  return trace.getTracer(INSTRUMENTATION).startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", error instanceof Error ? errorType(error) : "unknown");
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The closed code of an error that has one; its message could name a user. */
function errorType(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : error.name;
}

const HEADER_GETTER: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/** A server span for every request, below the caller's when it sends `traceparent`. `route` as for the metrics. */
export function traceRequests(route: (c: Context) => string): MiddlewareHandler {
  return async (c, next) => {
    const parent = propagation.extract(context.active(), c.req.raw.headers, HEADER_GETTER);
    const tracer = trace.getTracer(INSTRUMENTATION);
    const span = tracer.startSpan(c.req.method, { kind: SpanKind.SERVER }, parent);
    try {
      await context.with(trace.setSpan(parent, span), next);
    } finally {
      const name = route(c);
      span.updateName(`${c.req.method} ${name}`);
      span.setAttributes({
        "http.request.method": c.req.method,
        "http.route": name,
        "http.response.status_code": c.res.status,
      });
      if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
  };
}

export interface TracingOptions {
  /** Name of the service in the traces. */
  readonly service: string;
  /** Where traces are sent by OTLP over HTTP; undefined: nowhere, and nothing is loaded. */
  readonly endpoint: string | undefined;
}

export interface Tracing {
  /** Sends what is left. */
  stop(): Promise<void>;
}

interface TracerSdk {
  readonly NodeTracerProvider: new (options: {
    spanProcessors: unknown[];
    resource: unknown;
  }) => {
    register(): void;
    shutdown(): Promise<void>;
  };
  readonly BatchSpanProcessor: new (exporter: unknown) => unknown;
}

interface Resources {
  readonly resourceFromAttributes: (attributes: Attributes) => unknown;
}

interface OtlpExporter {
  readonly OTLPTraceExporter: new (options: { url: string }) => unknown;
}

/**
 * Installs a tracer for the process when there is an endpoint. The SDK is an optional dependency, loaded only then.
 * @throws ConfigurationError where it is not installed
 */
export async function startTracing({ service, endpoint }: TracingOptions): Promise<Tracing> {
  if (endpoint === undefined) return { stop: () => Promise.resolve() };
  const { NodeTracerProvider, BatchSpanProcessor } = await optional<TracerSdk>("@opentelemetry/sdk-trace-node");
  const { OTLPTraceExporter } = await optional<OtlpExporter>("@opentelemetry/exporter-trace-otlp-http");
  const { resourceFromAttributes } = await optional<Resources>("@opentelemetry/resources");
  const url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": process.env["OTEL_SERVICE_NAME"] ?? service }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  provider.register();
  return { stop: () => provider.shutdown() };
}

/** Of the SDK for Node 20; the newest need a newer Node. */
const VERSIONS = {
  "@opentelemetry/sdk-trace-node": "2",
  "@opentelemetry/resources": "2",
  "@opentelemetry/exporter-trace-otlp-http": "0.223",
} as const;

async function optional<Module>(name: keyof typeof VERSIONS): Promise<Module> {
  try {
    return (await import(name)) as Module;
  } catch (cause) {
    const fault = {
      field: "tracing_endpoint",
      message: `traces need the package ${name}, which is not installed`,
      remedy: `Install it beside the service (npm install ${name}@${VERSIONS[name]}), or remove the endpoint.`,
    };
    throw new ConfigurationError([fault], { cause });
  }
}
