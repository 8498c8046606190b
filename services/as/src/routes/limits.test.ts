import { createHash } from "node:crypto";
import { type Span, type Tracer, trace } from "@opentelemetry/api";
import { expect, onTestFinished, test, vi } from "vitest";
import { ADMIN_TOKEN, FEED_TOKEN, PHONE, TestService } from "../../fixtures/service-fixture.js";

test("a caller who asks too much has to wait; others, the operator and probes do not", async () => {
  const service = await TestService.create({ callerRate: 1, callerHeader: "x-caller" });
  const ask = (caller: string, path = "/v1/directory", headers = {}) =>
    service.send("GET", path, undefined, { "x-caller": caller, ...headers });
  const asked = await Promise.all(Array.from({ length: 5 }, () => ask("192.0.2.1")));
  expect(asked.filter(({ status }) => status === 200)).toHaveLength(4);
  const limited = await ask("192.0.2.1", "/ocsp/AA");
  expect([limited.status, limited.body.code, limited.headers.get("retry-after")]).toEqual([429, "rate-limited", "1"]);
  expect(limited.body["retryAfter"]).toBe(1);
  expect(limited.headers.get("access-control-allow-origin")).toBe("*");
  expect((await ask("192.0.2.2")).status).toBe(200);
  for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await ask("192.0.2.1", path)).status).toBe(200);
  const audit = (token: string) => ask("192.0.2.1", "/v1/admin/audit", { authorization: `Bearer ${token}` });
  expect((await audit(ADMIN_TOKEN)).status).toBe(200);
  expect((await audit(FEED_TOKEN)).status).toBe(401);
  for (const token of ["", `${ADMIN_TOKEN}x`]) expect((await audit(token)).body.code).toBe("rate-limited");
  service.clock += 1;
  expect((await ask("192.0.2.1")).status).toBe(200);
  expect((await ask("192.0.2.1")).status).toBe(429);
});

test("who guesses too often closes no door that judges no secret, and none to who shows the right one", async () => {
  const service = await TestService.create({ failuresPerMinute: 2 });
  const ask = (path: string, token: string) =>
    service.send("GET", path, undefined, token === "" ? {} : { authorization: `Bearer ${token}` });
  for (const status of [401, 401, 429]) expect((await ask("/v1/admin/audit", "wrong")).status).toBe(status);
  expect((await ask("/v1/admin/audit", ADMIN_TOKEN)).status).toBe(200);
  expect((await ask("/v1/revocations", FEED_TOKEN)).status).toBe(200);
  expect((await ask("/v1/revocations", "wrong")).status).toBe(429);
  expect((await ask("/v1/directory", "")).status).toBe(200);
  expect((await ask("/v1/policy", "")).status).not.toBe(429);
  expect((await service.send("POST", "/v1/nonces")).status).toBe(201);
  expect((await service.send("POST", "/v1/credentials", {})).body.code).toBe("rate-limited");
});

test("without a limit nobody waits, and a header that nobody trusts names nobody", async () => {
  const free = await TestService.create();
  const many = await Promise.all(Array.from({ length: 200 }, () => free.send("GET", "/v1/directory")));
  expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
  const service = await TestService.create({ callerRate: 1 });
  const asked = await Promise.all(
    Array.from({ length: 5 }, (_, i) => service.send("GET", "/v1/directory", undefined, { "x-forwarded-for": `${i}` })),
  );
  expect(asked.filter(({ status }) => status === 429)).toHaveLength(1);
});

test("more requests at once than are answered: refused with a time to wait, probes are not", async () => {
  const service = await TestService.create({ maxUnderWay: 1 });
  const token = await service.token(PHONE);
  const csr = await service.csr(PHONE);
  const [first, second] = await Promise.all([
    service.send("POST", "/v1/credentials", { csrs: [csr], enrolment: { token } }),
    service.send("GET", "/v1/directory"),
    service.send("GET", "/healthz").then(({ status }) => expect(status).toBe(200)),
  ]);
  expect([first.status, second.status, second.body.code]).toEqual([201, 503, "overloaded"]);
  expect(second.headers.get("retry-after")).toBe("1");
  expect((await service.send("GET", "/v1/directory")).status).toBe(200);
});

test("one address has half of the places: what it holds up keeps nobody else out, and not the operator", async () => {
  const service = await TestService.create({ maxUnderWay: 4, callerHeader: "x-caller" });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  service.store.approvalRequest = async () => {
    await held;
    return undefined;
  };
  const ask = (caller: string, path = `/v1/approvals/${"0".repeat(32)}`, headers = {}) =>
    service.send("GET", path, undefined, { "x-caller": caller, ...headers });
  const slow = [ask("2001:db8::1"), ask("2001:db8::2")];
  const third = await ask("2001:db8::3", "/v1/directory");
  expect([third.status, third.body.code, third.headers.get("retry-after")]).toEqual([429, "rate-limited", "1"]);
  expect((await ask("2001:db8:1::1", "/v1/directory")).status).toBe(200);
  const authorization = `Bearer ${ADMIN_TOKEN}`;
  expect((await ask("2001:db8::1", "/v1/admin/audit", { authorization })).status).toBe(200);
  release();
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([404, 404]);
  expect((await ask("2001:db8::3", "/v1/directory")).status).toBe(200);
});

test("every answer has an id of the service's own, and a refusal tells it", async () => {
  const service = await TestService.create();
  const ids = [];
  for (const path of ["/v1/directory", "/v1/nothing", "/v1/admin/audit", "/metrics"]) {
    const { headers, body } = await service.send("GET", path, undefined, { "x-request-id": "mine" });
    const id = headers.get("x-request-id");
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    if (body.code !== undefined) expect(body["requestId"]).toBe(id);
    ids.push(id);
  }
  expect(new Set(ids).size).toBe(4);
});

test("metrics tell route and code of every request, in a closed set of names", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.send("GET", "/v1/admin/audit");
  await service.send("GET", `/v1/credentials/${createHash("sha256").digest("hex")}`);
  await service.send("GET", "/crl/nobody-1.crl");
  for (const path of ["/alice", "/v1/alice", "/v1/admin/alice"]) await service.send("GET", path);
  await service.send("BREW", "/v1/directory");
  const { text } = (await service.send("GET", "/metrics")).body as unknown as { text: string };
  expect(text).toContain('mls_as_requests_total{route="/v1/credentials",method="POST",status="201"} 1');
  expect(text).toContain('mls_as_requests_total{route="/v1/admin/*",method="GET",status="401"} 2');
  expect(text).toMatch(/mls_as_request_seconds_count\{route="\/v1\/credentials"\} 1/);
  expect(text).toContain('mls_as_refusals_total{code="unauthorized"} 2');
  expect(text).toContain("mls_as_requests_under_way 1");
  expect(text).toContain('method="other"');
  expect(text).not.toMatch(/alice|nobody|BREW|e3b0c442/);
});

test("each request is a span that names its route and its outcome, and nobody", async () => {
  const spans: { name: string; attributes: Record<string, unknown> }[] = [];
  const startSpan = (): Span => {
    const span = { name: "", attributes: {} as Record<string, unknown> };
    spans.push(span);
    return {
      updateName: (name: string) => void (span.name = name),
      setAttributes: (attributes: object) => void Object.assign(span.attributes, attributes),
      setStatus: () => {},
      end: () => {},
      spanContext: () => ({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 }),
    } as unknown as Span;
  };
  const spy = vi.spyOn(trace, "getTracer").mockReturnValue({ startSpan } as unknown as Tracer);
  onTestFinished(() => spy.mockRestore());
  const service = await TestService.create();
  await service.send("GET", "/v1/credentials/alice");
  expect(spans).toEqual([
    {
      name: "GET /v1/credentials/:id",
      attributes: {
        "http.request.method": "GET",
        "http.route": "/v1/credentials/:id",
        "http.response.status_code": 400,
      },
    },
  ]);
});
