import { AppDataDictionary, ExtensionType } from "@mls-as/mls-core";
import {
  AUTH_PINS_COMPONENT_ID,
  type AuthPin,
  defaultPolicy,
  encodePolicy,
  PinError,
  type PinErrorCode,
  pinChangeFaults,
  pinnedBasis,
  policyDigest,
  preparePolicy,
  readAuthPins,
  toBase64Url,
  type ValidationPolicy,
  writeAuthPins,
} from "@mls-as/mls-credentials";
import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { exampleRoot } from "../conformance/example-certificates.js";
import { LOG_ID, START } from "../conformance/example-devices.js";

const codeOf = (action: () => unknown): PinErrorCode | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof PinError) return error.code;
    throw error;
  }
  return undefined;
};

describe("pins of a group", async () => {
  const anchors = [toBase64Url((await exampleRoot()).certificate)];
  const domains = { "example.org": { anchors, logId: toBase64Url(LOG_ID) } };
  const digestOf = (payload: Uint8Array): string => toBase64Url(policyDigest(payload));
  /** Policies, each following the one before with some members changed. */
  const chain = (...changes: Partial<ValidationPolicy>[]): Uint8Array[] => {
    const payloads = [encodePolicy(defaultPolicy(domains))];
    let policy = defaultPolicy(domains);
    for (const change of changes) {
      const previous = digestOf(payloads.at(-1) as Uint8Array);
      policy = { ...policy, ...change, sequence: policy.sequence + 1, previous };
      payloads.push(encodePolicy(policy));
    }
    return payloads;
  };
  const pin = (changes: Partial<AuthPin> = {}): AuthPin => ({
    domain: "example.org",
    policyDigest: policyDigest(encodePolicy(defaultPolicy(domains))),
    logId: LOG_ID,
    position: 8n,
    root: new Uint8Array(32).fill(8),
    ...changes,
  });

  it("are written and read among other components, and replaced", () => {
    const other = { componentId: 7, data: Uint8Array.of(1) };
    const dictionary = encode(AppDataDictionary, { componentData: [other] });
    const before = [
      { extensionType: 3, extensionData: Uint8Array.of(0, 0, 0) },
      { extensionType: ExtensionType.appDataDictionary, extensionData: dictionary },
    ];
    expect(readAuthPins([])).toBeUndefined();
    expect(readAuthPins(before)).toBeUndefined();
    const once = writeAuthPins(before, { pins: [pin()] });
    const twice = writeAuthPins(once, { pins: [pin({ position: 9n })] });
    expect(readAuthPins(once)).toEqual({ pins: [pin()] });
    expect(readAuthPins(twice)).toEqual({ pins: [pin({ position: 9n })] });
    expect(twice.map(({ extensionType }) => extensionType)).toEqual([3, 6]);
    const written = decode(AppDataDictionary, twice[1]?.extensionData ?? new Uint8Array());
    expect(written.componentData.map(({ componentId }) => componentId)).toEqual([7, AUTH_PINS_COMPONENT_ID]);
    expect(writeAuthPins([], { pins: [] })).toHaveLength(1);
  });

  it("that do not decode are refused", () => {
    const broken = { extensionType: 6, extensionData: Uint8Array.of(1, 2) };
    expect(codeOf(() => readAuthPins([broken]))).toBe("malformed-pins");
    expect(codeOf(() => writeAuthPins([broken], { pins: [] }))).toBe("malformed-pins");
    const component = { componentId: AUTH_PINS_COMPONENT_ID, data: Uint8Array.of(9) };
    const extensionData = encode(AppDataDictionary, { componentData: [component] });
    expect(codeOf(() => readAuthPins([{ extensionType: 6, extensionData }]))).toBe("malformed-pins");
  });

  it("advance, and never go back, away, or to another log", () => {
    const basis = { policies: new Map(), accepted: new Set<string>() };
    const faults = (next: AuthPin | undefined): unknown[] =>
      pinChangeFaults({ pins: [pin()] }, next && { pins: [next] }, basis).map(({ fault }) => fault);
    expect(faults(pin())).toEqual([]);
    expect(faults(pin({ position: 9n, root: new Uint8Array(32) }))).toEqual([]);
    expect(faults(undefined)).toEqual(["pin-removed"]);
    expect(faults(pin({ domain: "other.example" }))).toEqual(["pin-removed"]);
    expect(faults(pin({ position: 7n }))).toEqual(["position-decreased"]);
    expect(faults(pin({ root: new Uint8Array(32) }))).toEqual(["root-changed"]);
    expect(faults(pin({ logId: new Uint8Array(32) }))).toEqual(["log-changed"]);
    expect(faults(pin({ policyDigest: new Uint8Array(32) }))).toEqual(["unknown-policy"]);
    expect(pinChangeFaults(undefined, { pins: [pin()] }, basis)).toEqual([]);
  });

  it("take a stronger policy at once, and a weaker one when somebody accepted it, however many steps lie between", () => {
    const payloads = chain({ longestStay: 1 }, { transparency: "advisory" }, { clockSkew: 1 });
    const policies = new Map(payloads.map((payload) => [digestOf(payload), payload]));
    const to = (i: number): AuthPin => pin({ policyDigest: policyDigest(payloads[i] as Uint8Array) });
    const change = (i: number, accepted: string[] = []) =>
      pinChangeFaults({ pins: [pin()] }, { pins: [to(i)] }, { policies, accepted: new Set(accepted) });
    expect(change(1)).toEqual([]);
    const weaker = { domain: "example.org", fault: "weaker-policy", weakenings: ["transparency"] };
    expect(change(2)).toEqual([weaker]);
    expect(change(3)).toEqual([weaker]);
    expect(change(3, [digestOf(payloads[3] as Uint8Array)])).toEqual([]);
    policies.delete(digestOf(payloads[1] as Uint8Array));
    expect(change(3)).toMatchObject([{ fault: "unknown-policy" }]);
    // Back to a policy of before is no way forward.
    const back = pinChangeFaults({ pins: [to(3)] }, { pins: [pin()] }, { policies, accepted: new Set() });
    expect(back).toMatchObject([{ fault: "unknown-policy" }]);
  });

  const lost: [string, Partial<ValidationPolicy>][] = [
    ["schemes", { signatureSchemes: [0x0807, 0x0403, 0x0503, 0x0603, 0x0808] }],
    ["cipher-suites", { cipherSuites: [1, 2, 3, 5, 7, 4] }],
    ["credential-types", { credentialTypes: ["x509", "basic"] }],
    ["handling", { members: { expired: "warn", revoked: "reject", unlogged: "reject" } }],
    ["deadlines", { removalWindow: 1e9 }],
    ["lifetimes", { maximumLifetime: { certificate: 1e9, keyPackage: 1 } }],
    ["key-purposes", { keyPurposes: [] }],
    ["external-access", { externalSenders: "x509" }],
    ["external-access", { externalJoins: "any" }],
    ["anchors", { domains: { "example.org": { anchors: [], logId: toBase64Url(LOG_ID) } } }],
    ["domains", { domains: { ...domains, "other.example": domains["example.org"] } }],
  ];
  it.each(lost)("notices what is lost: %s", (weakening, change) => {
    const payloads = chain(change);
    const policies = new Map(payloads.map((payload) => [digestOf(payload), payload]));
    const next = pin({ policyDigest: policyDigest(payloads[1] as Uint8Array) });
    const faults = pinChangeFaults({ pins: [pin()] }, { pins: [next] }, { policies, accepted: new Set() });
    expect(faults).toEqual([{ domain: "example.org", fault: "weaker-policy", weakenings: [weakening] }]);
  });

  it("give every member the same basis, or none", () => {
    const policy = preparePolicy(encodePolicy(defaultPolicy(domains)));
    const head = { root: pin().root, time: START };
    const knowledge = { policies: () => policy, headAt: () => head };
    expect(pinnedBasis(pin(), knowledge)).toEqual({ policy, time: START, timeSource: "pin" });
    const without = { ...knowledge, policies: () => undefined };
    expect(codeOf(() => pinnedBasis(pin(), without))).toBe("unknown-policy");
    expect(codeOf(() => pinnedBasis(pin({ policyDigest: new Uint8Array(32) }), knowledge))).toBe("unknown-policy");
    expect(codeOf(() => pinnedBasis(pin({ logId: new Uint8Array(32) }), knowledge))).toBe("wrong-log");
    expect(codeOf(() => pinnedBasis(pin({ domain: "other.example" }), knowledge))).toBe("wrong-log");
    expect(codeOf(() => pinnedBasis(pin(), { ...knowledge, headAt: () => undefined }))).toBe("unknown-position");
    expect(codeOf(() => pinnedBasis(pin({ root: new Uint8Array(32) }), knowledge))).toBe("root-mismatch");
  });
});
