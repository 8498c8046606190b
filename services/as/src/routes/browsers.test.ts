import { expect, test } from "vitest";
import { ADMIN_TOKEN, TestService } from "../../fixtures/service-fixture.js";

const origin = "https://app.example";

async function allowed(service: TestService, path: string, method = "GET"): Promise<string | null> {
  const preflight = await service.app.request(path, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": method, "access-control-request-headers": "content-type" },
  });
  const answer = await service.app.request(path, { method, headers: { origin } });
  const names = [preflight, answer].map((response) => response.headers.get("access-control-allow-origin"));
  expect(names[0]).toBe(names[1]);
  return names[0] ?? null;
}

test("pages of any origin may use the public doors, without credentials", async () => {
  const service = await TestService.create();
  for (const path of ["/v1/directory", "/v1/policy", "/ocsp"]) expect(await allowed(service, path), path).toBe("*");
  expect(await allowed(service, "/v1/nonces", "POST")).toBe("*");
  expect(await allowed(service, "/v1/credentials", "POST")).toBe("*");
  const answer = await service.app.request("/v1/directory", { headers: { origin } });
  expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
});

test("pages do not get at the operator's doors", async () => {
  const service = await TestService.create();
  for (const path of ["/v1/admin/audit", "/v1/admin/credentials", "/metrics"])
    expect(await allowed(service, path), path).toBeNull();
  const authorised = await service.app.request("/v1/admin/audit", {
    headers: { origin, authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  expect(authorised.headers.get("access-control-allow-origin")).toBeNull();
});

test("an operator may name the origins", async () => {
  const service = await TestService.create({ corsOrigins: ["https://app.example"] });
  expect(await allowed(service, "/v1/directory")).toBe("https://app.example");
  const other = await service.app.request("/v1/directory", { headers: { origin: "https://other.example" } });
  expect(other.headers.get("access-control-allow-origin")).toBeNull();
});
