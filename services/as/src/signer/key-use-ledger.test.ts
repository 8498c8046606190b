import type { KeyUse } from "@mls-as/signers";
import { expect, test } from "vitest";
import type { AuditEvent } from "../storage/store.js";
import { KeyUseLedger } from "./key-use-ledger.js";

const use = (key: string, role: KeyUse["role"] = "issuing", outcome = "ok"): KeyUse => ({
  operation: "sign",
  key,
  role,
  algorithm: "Ed25519",
  size: 7,
  outcome,
});

test("every use is written before it is told as written; those that wait share an entry", async () => {
  const entries: AuditEvent[] = [];
  const release: (() => void)[] = [];
  const audit = (event: AuditEvent): Promise<void> =>
    new Promise((resolve) => {
      entries.push(event);
      release.push(resolve);
    });
  const ledger = new KeyUseLedger({ audit }, () => 1);
  let first = false;
  const waiting = [
    ledger.record(use("a")).then(() => void (first = true)),
    ledger.record(use("b")),
    ledger.record(use("c")),
  ];
  expect(first).toBe(false);
  expect(entries.map(({ detail }) => detail?.["uses"])).toEqual([["sign role=issuing key=a octets=7 outcome=ok"]]);
  release[0]?.();
  await waiting[0];
  expect(entries[1]).toMatchObject({
    actor: "system",
    action: "keys-used",
    detail: { uses: [expect.stringContaining("key=b"), expect.stringContaining("key=c")] },
  });
  release[1]?.();
  await Promise.all(waiting);
});

test("an entry that cannot be written fails the uses in it, and no later one", async () => {
  let full = true;
  const audit = async (): Promise<void> => {
    if (full) throw new Error("disk full");
  };
  const ledger = new KeyUseLedger({ audit }, () => 1);
  await expect(ledger.record(use("a"))).rejects.toThrow("disk full");
  full = false;
  await ledger.record(use("b"));
});

test("answers of OCSP responders are counted, their failures written at once", async () => {
  const entries: AuditEvent[] = [];
  const ledger = new KeyUseLedger({ audit: async (event) => void entries.push(event) }, () => 1);
  for (let index = 0; index < 1000; index++) await ledger.record(use(index % 2 === 0 ? "x" : "y", "ocsp"));
  expect(entries).toEqual([]);
  await ledger.record(use("x", "ocsp", "token-unavailable"));
  expect(entries).toHaveLength(1);
  await ledger.flush();
  await ledger.flush();
  expect(entries).toHaveLength(2);
  expect(entries[1]?.detail?.["uses"]).toEqual([
    "sign role=ocsp key=x count=500 outcome=ok",
    "sign role=ocsp key=y count=500 outcome=ok",
  ]);
});
