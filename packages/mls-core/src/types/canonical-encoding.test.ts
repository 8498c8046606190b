import { CodecError, type Codec, decode, encode, tryDecode } from "@mls-as/tls-codec";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppDataDictionary, AppDataUpdate } from "./app-data-dictionary.js";
import { isGrease } from "./capabilities.js";
import { Credential, type CredentialBinding } from "./credential.js";
import { MLSMessage } from "./mls-message.js";
import { Proposal } from "./proposal.js";
import { PublicMessage } from "./public-message.js";
import { RatchetTree } from "./ratchet-tree.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const bytes = fc.uint8Array({ maxLength: 70 });

function refusal<T>(codec: Codec<T>, input: string): string | undefined {
  const decoded = tryDecode(codec, hex(input));
  return decoded.ok ? undefined : decoded.error.code;
}

describe("Credential", () => {
  const { credential } = fc.letrec<{ credential: Credential; leaf: Credential }>((tie) => ({
    leaf: fc.oneof(
      fc.record({ credentialType: fc.constant("basic" as const), identity: bytes }),
      fc.record({ credentialType: fc.constant("x509" as const), certificates: fc.array(bytes, { maxLength: 3 }) }),
      fc.record({
        credentialType: fc.constant("unknown" as const),
        value: fc.integer({ min: 5, max: 65535 }),
        content: bytes,
      }),
    ),
    credential: fc.oneof(
      { depthSize: "small" },
      tie("leaf"),
      fc.record({
        credentialType: fc.constantFrom("multi" as const, "weakMulti" as const),
        bindings: fc.array(
          fc.record({
            cipherSuite: fc.nat(65535),
            credential: tie("credential"),
            credentialKey: bytes,
            signature: bytes,
          }),
          { maxLength: 2 },
        ),
      }),
    ),
  }));

  it("decodes to what was encoded, unknown types included", () => {
    const property = fc.property(credential, (value) => {
      expect(decode(Credential, encode(Credential, value))).toEqual(value);
    });
    fc.assert(property);
  });

  it("a defined type cannot pass for an unknown one", () => {
    const content = new Uint8Array();
    for (const value of [1, 2, 3, 4])
      expect(() => encode(Credential, { credentialType: "unknown", value, content })).toThrow(CodecError);
  });

  it("credentials within credentials end before the stack does", () => {
    let nested: Credential = { credentialType: "basic", identity: new Uint8Array() };
    for (let depth = 0; depth < 60; depth++) {
      const binding: CredentialBinding = {
        cipherSuite: 1,
        credential: nested,
        credentialKey: new Uint8Array(),
        signature: new Uint8Array(),
      };
      nested = { credentialType: "multi", bindings: [binding] };
    }
    expect(decode(Credential, encode(Credential, nested))).toEqual(nested);
    // Hostile depth: each level claims the rest of the input.
    const levels: number[] = [];
    for (let depth = 0; depth < 200; depth++) levels.push(0, 3, 0x80, 0, 0x3f - Math.min(depth, 0x3f), 0xff, 0, 1);
    expect(tryDecode(Credential, Uint8Array.from(levels)).ok).toBe(false);
  });
});

describe("RatchetTree", () => {
  it.each([
    ["no nodes", "00"],
    ["a blank last node", "0100"],
    ["a parent where a leaf is due", "050102000000"],
  ])("%s is refused", (_, input) => {
    expect(refusal(RatchetTree, input)).toBe("invalid-value");
  });
});

describe("strictness", () => {
  it("an application data dictionary is sorted and has no duplicates", () => {
    expect(refusal(AppDataDictionary, "06a50500a50500")).toBe("not-ascending");
    expect(refusal(AppDataDictionary, "06a50500000100")).toBe("not-ascending");
    expect(refusal(AppDataDictionary, "06000100a50500")).toBeUndefined();
    expect(refusal(AppDataUpdate, "a50503")).toBe("unknown-enum-value");
  });

  it("reserved and undefined discriminators are refused", () => {
    expect(refusal(Proposal, "0000")).toBe("unknown-enum-value");
    expect(refusal(Proposal, "0a0a00")).toBe("unknown-enum-value");
    expect(refusal(MLSMessage, "00010000")).toBe("unknown-enum-value");
    expect(refusal(MLSMessage, "00020005")).toBe("invalid-value");
    expect(refusal(Proposal, "000a")).toBeUndefined();
    expect(refusal(Proposal, "00030000000100")).toBe("trailing-bytes");
  });

  it("a tag that a message's kind does not allow is not hidden in it", () => {
    const message = decode(PublicMessage, hex("0000000000000000000300020003000000010161"));
    expect(message.membershipTag).toBeUndefined();
    expect(message.auth.confirmationTag).toBeUndefined();
    const commit = { contentType: "commit", commit: { proposals: [], path: undefined } } as const;
    const { groupId, epoch, sender, authenticatedData } = message.content;
    const content = { groupId, epoch, sender, authenticatedData, ...commit };
    expect(() => encode(PublicMessage, { ...message, content })).toThrow(CodecError);
  });

  it("GREASE values are those sixteen minus one", () => {
    const found = Array.from({ length: 65536 }, (_, value) => value).filter(isGrease);
    expect(found.map((value) => value.toString(16))).toEqual(
      "0123456789abcde".split("").map((digit) => Number.parseInt(`${digit}a${digit}a`, 16).toString(16)),
    );
  });
});
