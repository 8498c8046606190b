import { SignatureScheme } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  defaultPolicy,
  encodePolicy,
  PolicyError,
  policyDigest,
  preparePolicy,
  readPolicy,
  toBase64Url,
  type ValidationPolicy,
  verifySignedPolicy,
  weakenings,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleRoot } from "../conformance/example-certificates.js";
import { exampleKey, LOG_ID } from "../conformance/example-devices.js";

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof PolicyError) return `${error.code} ${error.path}`;
    throw error;
  }
  return "accepted";
};

describe("validation policy", async () => {
  const root = await exampleRoot();
  const trust = { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) };
  const policy = defaultPolicy({ "example.org": trust });
  const payload = encodePolicy(policy);
  const changed = (changes: Record<string, unknown>): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ ...policy, ...changes }));
  const following = (changes: Partial<ValidationPolicy>): Uint8Array =>
    changed({ sequence: 1, previous: toBase64Url(policyDigest(payload)), ...changes });

  it("reads what it wrote", () => {
    expect(readPolicy(payload)).toEqual(policy);
    expect(preparePolicy(payload).domainOf("mimi://example.org/u/alice")?.anchors).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["an unknown member", { colour: "red" }, "unknown-field colour"],
    ["another format", { format: 2 }, "malformed-policy format"],
    ["a mode that does not exist", { transparency: "off" }, "malformed-policy transparency"],
    ["a negative duration", { clockSkew: -1 }, "malformed-policy clockSkew"],
    ["a fraction", { retention: 1.5 }, "malformed-policy retention"],
    ["a domain in capitals", { domains: { "Example.org": trust } }, "malformed-policy domains"],
    ["a short log id", { domains: { "example.org": { ...trust, logId: "AA" } } }, "malformed-policy domains"],
    [
      "a handling with more",
      { members: { ...policy.members, revoked: { grace: 1, x: 1 } } },
      "malformed-policy members",
    ],
    ["a missing member", { successor: undefined }, "malformed-policy successor"],
  ])("refuses %s", (_, changes, expected) => {
    expect(codeOf(() => readPolicy(changed(changes)))).toBe(expected);
  });

  it("refuses an anchor that is no certificate", () => {
    const anchors = [toBase64Url(Uint8Array.of(0x30, 0))];
    expect(codeOf(() => preparePolicy(changed({ domains: { "example.org": { ...trust, anchors } } })))).toBe(
      "invalid-anchor domains.example.org.anchors[0]",
    );
  });

  it("names what a successor weakens", () => {
    expect(weakenings(payload, following({}))).toEqual([]);
    expect(weakenings(payload, following({ retention: 0 }))).toEqual(["retention"]);
    // Idle under `required`, in force under `stapled`: what the policy comes to is compared.
    const idle = changed({ members: { ...policy.members, unlogged: "warn" } });
    const inForce = { sequence: 1, previous: toBase64Url(policyDigest(idle)), transparency: "stapled" };
    const lenient = { ...inForce, members: { ...policy.members, unlogged: "warn" } };
    expect(weakenings(idle, changed(lenient))).toEqual(["handling"]);
    expect(weakenings(idle, changed(inForce))).toEqual([]);
    for (const twice of ['"transparency":"advisory",', '"tr\\u0061nsparency":"advisory",'])
      expect(
        codeOf(() => readPolicy(new TextEncoder().encode(new TextDecoder().decode(payload).replace("{", `{${twice}`)))),
      ).toBe("malformed-policy ");
    expect(weakenings(payload, following({ transparency: "advisory" }))).toEqual(["transparency"]);
    expect(
      weakenings(payload, following({ evidenceDeadline: 7 * 86_400, credentialTypes: ["x509", "basic"] })),
    ).toEqual(["credential-types", "deadlines"]);
    expect(weakenings(payload, following({ members: { ...policy.members, unlogged: "warn" } }))).toEqual(["handling"]);
    expect(codeOf(() => weakenings(payload, following({ previous: null })))).toBe("broken-chain previous");
    expect(codeOf(() => weakenings(payload, following({ sequence: 2 })))).toBe("broken-chain sequence");
  });

  it("verifies a signed policy by the trusted key only", async () => {
    const key = exampleKey("policy");
    const text = (value: unknown): string => toBase64Url(new TextEncoder().encode(JSON.stringify(value)));
    const sign = async (header: unknown, signer = key): Promise<string> => {
      const signed = `${text(header)}.${toBase64Url(payload)}`;
      const bytes = new TextEncoder().encode(signed);
      const signature = await nodeProvider.sign(SignatureScheme.ed25519, signer.privateKey, bytes);
      return `${signed}.${toBase64Url(signature)}`;
    };
    const trusted = { scheme: SignatureScheme.ed25519, publicKey: key.publicKey };
    const verify = async (jws: string): Promise<string> => {
      try {
        return (await verifySignedPolicy(jws, trusted, nodeProvider)).policy.digest;
      } catch (error) {
        if (error instanceof PolicyError) return error.code;
        throw error;
      }
    };
    expect(await verify(await sign({ alg: "EdDSA" }))).toBe(toBase64Url(policyDigest(payload)));
    expect(await verify(await sign({ alg: "EdDSA" }, exampleKey("other")))).toBe("invalid-signature");
    expect(await verify(await sign({ alg: "none" }))).toBe("invalid-signature");
    expect(await verify(await sign({ alg: "EdDSA", crit: ["x"] }))).toBe("invalid-signature");
    expect(await verify(await sign({ alg: "EdDSA", jwk: {} }))).toBe("invalid-signature");
    expect(await verify("a.b")).toBe("malformed-policy");
  });
});
