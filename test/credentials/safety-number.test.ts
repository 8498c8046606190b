import {
  activeKeys,
  compareSafetyPayload,
  safetyNumber,
  safetyPayload,
  sameEpochAuthenticator,
  spokenSafetyNumber,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { DAY, digest, exampleKey, LOG_ID, listOf, PHONE, recordOf, START } from "../conformance/example-devices.js";

const BOB = "mimi://example.org/u/bob";
const phone = recordOf({ certificate: "1", key: exampleKey("phone"), notBefore: START });
const next = recordOf({ certificate: "2", key: exampleKey("phone, next"), notBefore: START + DAY });
const alice = listOf(0, "enrolment", [{ client: PHONE, addedAt: BigInt(START), credentials: [phone] }]);
const bob = listOf(
  0,
  "enrolment",
  [
    {
      client: "mimi://example.org/d/bob/phone",
      addedAt: BigInt(START),
      credentials: [recordOf({ certificate: "b", key: exampleKey("bob"), notBefore: START })],
    },
  ],
  undefined,
  BOB,
);

describe("safety number", () => {
  const number = safetyNumber(LOG_ID, alice, bob, START);

  it("is sixty digits, the same for both, and stable", () => {
    expect(number).toMatch(/^[0-9]{60}$/);
    expect(safetyNumber(LOG_ID, bob, alice, START)).toBe(number);
    expect(spokenSafetyNumber(number)).toHaveLength(12);
    expect(number).toBe("802604524444362632659084443567139216719167473831587158664585");
  });

  it("changes with a key, a revocation, the log, and not with the version or a certificate of the same key", () => {
    const device = { client: PHONE, addedAt: BigInt(START), credentials: [phone, next] };
    const again = recordOf({ certificate: "3", key: exampleKey("phone"), notBefore: START + DAY });
    const revoked = { ...phone, status: "revoked" as const, revokedAt: BigInt(START), reason: 1 };
    expect(safetyNumber(LOG_ID, listOf(1, "renewal", [device]), bob, START)).not.toBe(number);
    expect(safetyNumber(LOG_ID, listOf(1, "renewal", [{ ...device, credentials: [revoked] }]), bob, START)).not.toBe(
      number,
    );
    expect(safetyNumber(digest("other"), alice, bob, START)).not.toBe(number);
    expect(safetyNumber(LOG_ID, listOf(7, "renewal", [{ ...device, credentials: [phone, again] }]), bob, START)).toBe(
      number,
    );
  });

  it("counts active, unexpired keys once", () => {
    expect(activeKeys(alice, START + 90 * DAY)).toHaveLength(1);
    expect(activeKeys(alice, START + 90 * DAY + 1)).toHaveLength(0);
  });

  it("compares epoch authenticators", () => {
    expect(sameEpochAuthenticator(digest("a"), digest("a"))).toBe(true);
    expect(sameEpochAuthenticator(digest("a"), digest("b"))).toBe(false);
    expect(sameEpochAuthenticator(new Uint8Array(), new Uint8Array())).toBe(false);
  });

  describe("as a QR code", () => {
    const head = (position: bigint, byte = 1) => ({ position, root: new Uint8Array(32).fill(byte) });
    const code = safetyPayload(alice, LOG_ID, [head(4n), head(8n)], START);
    const view = { list: alice, logId: LOG_ID, heads: [head(8n), head(16n)], time: START };

    it("agrees when both see the same keys and the same log", () => {
      expect(compareSafetyPayload(code, view)).toEqual([]);
      // A QR code of version 40 holds 2,953 bytes.
      expect(code.length).toBeLessThan(400);
    });

    it("says what differs", () => {
      const other = { ...alice, devices: [{ ...alice.devices[0], credentials: [next] }] } as typeof alice;
      expect(compareSafetyPayload(code, { ...view, list: other })).toEqual(["keys-differ"]);
      expect(compareSafetyPayload(code, { ...view, heads: [head(8n, 2)] })).toEqual(["views-split"]);
      expect(compareSafetyPayload(code, { ...view, heads: [head(32n)] })).toEqual(["nothing-in-common"]);
      expect(compareSafetyPayload(code, { ...view, list: bob })).toEqual(["other-identity"]);
      expect(compareSafetyPayload(code, { ...view, logId: digest("x") })).toEqual(["other-log"]);
      expect(compareSafetyPayload(code, { ...view, list: other, heads: [head(4n, 3)] })).toEqual([
        "keys-differ",
        "views-split",
      ]);
    });

    it("with any byte changed never agrees, unless it is a head that only one of them knows", () => {
      for (let i = 0; i < code.length; i++) {
        const changed = code.map((byte, at) => (at === i ? byte ^ 0x01 : byte));
        const inOtherHead = i >= code.length - 80 && i < code.length - 40;
        if (!inOtherHead) expect(compareSafetyPayload(changed, view), `byte ${i}`).not.toEqual([]);
      }
      expect(compareSafetyPayload(code.subarray(1), view)).toEqual(["malformed"]);
      expect(compareSafetyPayload(Uint8Array.of(2, ...code.subarray(1)), view)).toEqual(["malformed"]);
    });
  });
});
