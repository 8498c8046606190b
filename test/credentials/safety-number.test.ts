import { activeKeys, safetyNumber, sameEpochAuthenticator, spokenSafetyNumber } from "@mls-as/mls-credentials";
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
});
