import { checkDeviceListChange, type CredentialRecord, DeviceListError } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { approvalOf, DAY, exampleKey, LAPTOP, listOf, PHONE, recordOf, START } from "../conformance/example-devices.js";

const key = exampleKey("phone");
const active = recordOf({ certificate: "one", key, notBefore: START });
const revoked = recordOf({ certificate: "one", key, notBefore: START, revokedAt: START + 9, reason: 1 });
const RETENTION = 90n * BigInt(DAY);

const list = (version: number, client: string, credentials: readonly CredentialRecord[], addedAt = START) =>
  listOf(version, "renewal", [{ client, addedAt: BigInt(addedAt), credentials }]);
const refused = (
  before: ReturnType<typeof list>,
  after: ReturnType<typeof list>,
  loggedAt = BigInt(START + DAY),
): [string, string] | undefined => {
  try {
    checkDeviceListChange(before, after, { loggedAt, retention: RETENTION });
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceListError) || error.code !== "invalid-change") throw error;
    return [error.path, error.message];
  }
};

describe("what a version may change", () => {
  it("is that a record is added, or revoked", () => {
    const second = recordOf({ certificate: "two", key, notBefore: START + 5 });
    expect(refused(list(1, PHONE, [active]), list(2, PHONE, [active]))).toBeUndefined();
    expect(refused(list(1, PHONE, [active]), list(2, PHONE, [active, second]))).toBeUndefined();
    expect(refused(list(1, PHONE, [active]), list(2, PHONE, [revoked]))).toBeUndefined();
    expect(refused(list(1, PHONE, [revoked]), list(2, PHONE, [revoked]))).toBeUndefined();
  });

  it("is no revival, and no other revocation", () => {
    const path = "devices[0].credentials[0].status";
    expect(refused(list(1, PHONE, [revoked]), list(2, PHONE, [active]))).toEqual([
      path,
      expect.stringContaining("revived"),
    ]);
    for (const change of [{ revokedAt: START + 10 }, { reason: 0 }])
      expect(
        refused(
          list(1, PHONE, [revoked]),
          list(2, PHONE, [
            recordOf({ certificate: "one", key, notBefore: START, revokedAt: START + 9, reason: 1, ...change }),
          ]),
        ),
      ).toEqual([path, expect.stringContaining("altered")]);
  });

  it("is no other key, time, voucher, client or day of a record", async () => {
    const approval = await approvalOf({
      client: PHONE,
      key,
      approver: LAPTOP,
      approverKey: exampleKey("laptop"),
      afterVersion: 0,
      expiresAt: START + DAY,
    });
    for (const altered of [
      { ...active, spkiHash: exampleKey("other").spkiHash },
      { ...active, notBefore: active.notBefore + 1n },
      { ...active, notAfter: active.notAfter + 1n },
      { ...active, approval },
    ])
      for (const [before, after] of [
        [active, altered],
        [altered, active],
      ] as const)
        expect(refused(list(1, PHONE, [before]), list(2, PHONE, [after]))).toEqual([
          "devices[0].credentials[0]",
          expect.stringContaining("altered"),
        ]);
    expect(refused(list(1, PHONE, [active]), list(2, LAPTOP, [active]))).toEqual([
      "devices[0].credentials[0]",
      expect.stringContaining(`moved from ${PHONE}`),
    ]);
    expect(refused(list(1, PHONE, [active]), list(2, PHONE, [active], START + 1))?.[0]).toBe("devices[0].addedAt");
  });

  it("is that a record leaves when its retention is over, and not a second before", () => {
    const empty = listOf(2, "expiry", []);
    const end = active.notAfter + RETENTION;
    expect(refused(list(1, PHONE, [active]), empty, end)).toBeUndefined();
    expect(refused(list(1, PHONE, [active]), empty, end - 1n)).toEqual(["devices", expect.stringContaining(PHONE)]);
  });
});
