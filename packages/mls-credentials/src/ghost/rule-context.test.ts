import { describe, expect, it } from "vitest";
import { ownDevices } from "../own-devices.js";
import { defaultPolicy } from "../policy.js";
import { UserLog } from "./log-memory.js";
import { evidenceOf, lastAsked, type RuleContext } from "./rule-context.js";

const ALICE = "mimi://example.org/u/alice";
const NEVER = Number.NEGATIVE_INFINITY;

describe("the evidence about a credential", () => {
  const bare = {
    reference: ALICE,
    type: "x509" as const,
    user: ALICE,
    client: "phone",
    spkiHash: "aa",
    tbsCertificateHash: "bb",
    keyMatches: true,
    notBefore: 0,
    notAfter: 1,
  };
  const log = new UserLog(ALICE);
  log.list = {
    format: 1,
    identity: ALICE,
    version: 2,
    previousHash: new Uint8Array(32),
    origin: "renewal",
    devices: [],
  };
  log.value = Uint8Array.of(1);

  it("is what there is of chain, key and list", () => {
    const lists = [{ version: 2, value: "01" }];
    expect(evidenceOf(bare, undefined)).toStrictEqual({});
    expect(evidenceOf(bare, new UserLog(ALICE))).toStrictEqual({});
    expect(evidenceOf(bare, log)).toStrictEqual({ lists });
    expect(evidenceOf({ ...bare, certificates: ["cc"] }, undefined)).toStrictEqual({ certificates: ["cc"] });
    expect(evidenceOf({ ...bare, signatureKey: "dd" }, log)).toStrictEqual({ signatureKey: "dd", lists });
  });
});

describe("when the log was last asked", () => {
  const at = (tickedAt: number, log?: { readAt?: number; failedAt?: number }): number => {
    const context: RuleContext = {
      now: 99,
      tickedAt,
      policy: defaultPolicy({}),
      self: ALICE,
      own: ownDevices(ALICE, []),
      logs: new Map(),
      groups: new Map(),
      groupsOf: new Map(),
    };
    return lastAsked(log === undefined ? undefined : Object.assign(new UserLog(ALICE), log), context);
  };

  it.each<[string, number, number]>([
    ["never", at(NEVER), NEVER],
    ["never, of a known user", at(NEVER, {}), NEVER],
    ["by a tick", at(3), 3],
    ["by a tick after answers", at(3, { readAt: 1, failedAt: 2 }), 3],
    ["by an answer", at(1, { readAt: 3, failedAt: 2 }), 3],
    ["by a failure", at(1, { readAt: 2, failedAt: 3 }), 3],
    ["by an answer alone", at(NEVER, { readAt: 3 }), 3],
  ])("%s", (_, asked, expected) => {
    expect(asked).toBe(expected);
  });
});
