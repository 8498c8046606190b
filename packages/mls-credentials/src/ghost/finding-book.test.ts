import { describe, expect, it } from "vitest";
import { FindingBook } from "./finding-book.js";
import type { Condition, FindingKind } from "./finding.js";

const ALICE = "mimi://example.org/u/alice";
const T = 1_800_000_000;
/** One that stays confirmed, and one that ends by itself. */
const STAYS: FindingKind = "UNLOGGED_LEAF";
const ENDS: FindingKind = "PARTIAL_PRESENCE";

const condition = (level: Condition["level"], changes: Partial<Condition> = {}): Condition => ({
  kind: STAYS,
  level,
  subject: "subject",
  user: ALICE,
  since: T,
  detail: "",
  evidence: {},
  ...changes,
});
const idOf = (kind: FindingKind): string => `${kind}|${ALICE}||subject`;
const lives = (book: FindingBook): string[] => book.all().map(({ life }) => life);

describe("a book of findings", () => {
  it("grows graver and never milder, from its first sight", () => {
    const book = new FindingBook();
    expect(book.reconcile("s", [condition("suspect")], T)).toMatchObject([{ life: "suspect", since: T, changedAt: T }]);
    expect(book.reconcile("s", [condition("suspect")], T + 1)).toEqual([]);
    expect(book.reconcile("s", [condition("pending")], T + 2)).toEqual([]);
    expect(book.reconcile("s", [condition("confirmed", { since: T + 3 })], T + 3)).toMatchObject([
      { life: "confirmed", since: T, changedAt: T + 3, severity: "critical" },
    ]);
  });

  it.each([
    ["pending", STAYS, "resolved"],
    ["suspect", STAYS, "resolved"],
    ["confirmed", STAYS, "confirmed"],
    ["confirmed", ENDS, "resolved"],
  ] as const)("what is %s of %s is then %s", (level, kind, life) => {
    const book = new FindingBook();
    book.reconcile("s", [condition(level, { kind })], T);
    // A partial report says nothing about what it leaves out, nor does another scope.
    expect(book.reconcile("s", [], T + 1, true)).toEqual([]);
    expect(book.reconcile("other", [], T + 1)).toEqual([]);
    expect(book.reconcile("s", [condition(level, { kind })], T + 1)).toEqual([]);
    const changed = book.reconcile("s", [], T + 2);
    expect(lives(book)).toEqual([life]);
    expect(changed).toMatchObject(life === "resolved" ? [{ life, changedAt: T + 2, since: T }] : []);
    expect(book.reconcile("s", [], T + 3)).toEqual([]);
  });

  it("opens again what was resolved, from its new beginning", () => {
    const book = new FindingBook();
    book.reconcile("s", [condition("suspect")], T);
    book.reconcile("s", [], T + 1);
    expect(book.reconcile("s", [condition("pending", { since: T + 2 })], T + 2)).toMatchObject([
      { life: "pending", since: T + 2 },
    ]);
  });

  it("keeps what is acknowledged until it gets worse, or ends and returns", () => {
    const book = new FindingBook();
    expect(book.acknowledge("nothing", T)).toEqual([]);
    book.reconcile("s", [condition("pending")], T);
    expect(book.acknowledge(idOf(STAYS), T + 1)).toMatchObject([{ life: "acknowledged", changedAt: T + 1 }]);
    expect(book.acknowledge(idOf(STAYS), T + 2)).toEqual([]);
    expect(book.reconcile("s", [condition("pending")], T + 2)).toEqual([]);
    expect(book.reconcile("s", [condition("suspect")], T + 3)).toMatchObject([{ life: "suspect" }]);
    book.acknowledge(idOf(STAYS), T + 4);
    expect(book.reconcile("s", [], T + 5)).toEqual([]);
    expect(lives(book)).toEqual(["acknowledged"]);
    expect(book.reconcile("s", [], T + 6)).toEqual([]);
    expect(book.reconcile("s", [condition("pending")], T + 7)).toMatchObject([{ life: "pending", changedAt: T + 7 }]);
  });

  it("does not acknowledge what is resolved", () => {
    const book = new FindingBook();
    book.reconcile("s", [condition("pending")], T);
    book.reconcile("s", [], T + 1);
    expect(book.acknowledge(idOf(STAYS), T + 2)).toEqual([]);
    expect(lives(book)).toEqual(["resolved"]);
  });

  it("knows what time alone may change, and who waits", () => {
    const book = new FindingBook();
    const waits = (): unknown[] => [[...book.openScopes()], [...book.waitingUsers()]];
    book.reconcile("s", [condition("suspect")], T);
    expect(waits()).toEqual([["s"], []]);
    book.reconcile("t", [condition("pending", { kind: ENDS })], T);
    expect(waits()).toEqual([["s", "t"], [ALICE]]);
    book.acknowledge(idOf(ENDS), T);
    expect(waits()).toEqual([["s", "t"], []]);
    book.reconcile("s", [condition("confirmed")], T);
    expect(waits()).toEqual([["t"], []]);
    book.reconcile("t", [condition("confirmed", { kind: ENDS })], T);
    expect(waits()).toEqual([[], []]);
  });

  it("moves a finding with its scope, and tells groups apart", () => {
    const book = new FindingBook();
    book.reconcile("s", [condition("pending")], T);
    book.reconcile("t", [condition("suspect")], T);
    expect(book.reconcile("s", [], T + 1)).toEqual([]);
    expect(book.reconcile("t", [], T + 1)).toMatchObject([{ life: "resolved" }]);
    book.reconcile("g", [condition("pending", { group: "a" }), condition("pending", { group: "b" })], T + 2);
    expect(book.all().map(({ id }) => id)).toEqual([
      idOf(STAYS),
      `${STAYS}|${ALICE}|a|subject`,
      `${STAYS}|${ALICE}|b|subject`,
    ]);
  });
});
