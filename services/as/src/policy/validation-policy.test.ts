import { createPublicKey } from "node:crypto";
import { policyDigest, readPolicy } from "@mls-as/mls-credentials";
import { compactVerify } from "jose";
import { expect, test } from "vitest";
import { TestService } from "../../fixtures/service-fixture.js";
import { LogError } from "../log/log.js";
import { ensurePolicy } from "./validation-policy.js";

const LABEL = "policy:mls.example";

test("the policy is signed, logged before it is served, and chained to its predecessor", async () => {
  const service = await TestService.create();
  expect((await service.send("GET", "/v1/policy")).body.code).toBe("policy-pending");
  service.log.fault = { when: "before", error: new LogError("unavailable", "injected") };
  await expect(ensurePolicy(service.context)).rejects.toMatchObject({ code: "log-unavailable" });
  expect((await service.send("GET", "/v1/policy")).body.code).toBe("policy-pending");
  service.log.fault = undefined;
  for (const intent of await service.store.openIntents()) expect(intent.kind).toBe("policy");
  const { Resumer } = await import("../issuance/resume.js");
  await new Resumer(service.context).runOnce();

  const read = async () => {
    const response = await service.app.request("http://as.test/v1/policy");
    const jws = await response.text();
    const key = createPublicKey({ key: Buffer.from(service.context.policyKey.publicKey), type: "spki", format: "der" });
    const { payload } = await compactVerify(jws, key, { algorithms: ["EdDSA"] });
    const digest = Buffer.from(policyDigest(payload)).toString("base64url");
    expect(response.headers.get("etag")).toBe(`"${digest}"`);
    expect(Buffer.from(service.log.values.get(LABEL)?.at(-1) ?? []).toString()).toBe(jws);
    return { policy: readPolicy(payload), digest };
  };
  const first = await read();
  expect([first.policy.sequence, first.policy.transparency]).toEqual([0, "required"]);
  const weaker = await service.admin("POST", "/policy", { changes: { transparency: "advisory" } });
  expect([weaker.status, weaker.body.code]).toEqual([409, "policy-weakens"]);
  const wrong = await service.admin("POST", "/policy", { changes: { transparency: "sometimes" } });
  expect([wrong.status, wrong.body.code, wrong.body.path]).toEqual([400, "policy-invalid", "changes.transparency"]);
  expect((await service.admin("POST", "/policy", { changes: { colour: "red" } })).body.code).toBe("policy-invalid");
  expect(service.log.values.get(LABEL)?.length).toBe(1);
  const changed = await service.admin("POST", "/policy", {
    changes: { transparency: "advisory" },
    accept: ["transparency"],
  });
  expect(changed.status, JSON.stringify(changed.body)).toBe(200);
  const second = await read();
  expect([second.policy.sequence, second.policy.previous, second.policy.transparency]).toEqual([
    1,
    first.digest,
    "advisory",
  ]);
});
