import { SignerError } from "@mls-as/signers";
import { expect, test } from "vitest";
import { PHONE, TestService } from "../../fixtures/service-fixture.js";

interface Operation {
  readonly summary?: string;
  readonly security?: readonly Record<string, unknown>[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}

/** Pages for people and probes for machines: they have no place in a description of the interface. */
const UNDESCRIBED: ReadonlySet<string> = new Set([
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /openapi.json",
  "GET /docs",
]);

async function operations(service: TestService): Promise<Map<string, Operation>> {
  const { body } = await service.send("GET", "/openapi.json");
  const paths = body["paths"] as Record<string, Record<string, Operation>>;
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
}

test("every route that is mounted is described, and nothing else is", async () => {
  const service = await TestService.create();
  const described = await operations(service);
  const mounted = service.app.routes
    .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:([A-Za-z]+)(\{[^}]*\})?/g, "{$1}")}`)
    .filter((name) => !UNDESCRIBED.has(name));
  expect([...new Set(mounted)].toSorted()).toEqual([...described.keys()].toSorted());
  expect(mounted.length).toBeGreaterThan(15);
});

test("every operation says what it does and what it answers; what needs the admin token says so", async () => {
  const service = await TestService.create();
  for (const [name, { summary, security, responses }] of await operations(service)) {
    expect(summary, name).toMatch(/\S/);
    expect(
      Object.keys(responses).some((status) => status.startsWith("2")),
      name,
    ).toBe(true);
    for (const [status, { description }] of Object.entries(responses))
      expect(description, `${name} ${status}`).toMatch(/\S/);
    if (name.includes("/v1/admin/")) expect(security, name).toEqual([{ admin: [] }]);
  }
});

test("a CRL whose key is away: 503, without what the token said, and 200 when it is back", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  const [issuer] = service.context.issuers();
  if (issuer === undefined) throw new Error("no issuer");
  const away = { ...issuer.key, sign: () => Promise.reject(new SignerError("token-unavailable", "the token is away")) };
  Object.assign(service.context, { issuers: () => [{ ...issuer, key: away }] });
  const [credential] = await service.store.credentials({ limit: 1 });
  const list = `/crl/${issuer.id}-${credential?.shard}.crl`;
  const answer = await service.send("GET", list);
  expect(answer.status).toBe(503);
  expect(answer.body.code).toBe("signer-unavailable");
  expect(answer.headers.get("retry-after")).toBe("10");
  expect(JSON.stringify(answer.body)).not.toContain("token is away");
  Object.assign(service.context, { issuers: () => [issuer] });
  expect((await service.send("GET", list)).status).toBe(200);
});
