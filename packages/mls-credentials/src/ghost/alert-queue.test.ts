import { describe, expect, it } from "vitest";
import { AlertQueue } from "./alert-queue.js";
import type { Finding } from "./finding.js";
import { GhostStateError } from "./ghost-state-error.js";

const HOUR = 3600;
const DAY = 24 * HOUR;
const SCHEDULE = { quietPeriod: HOUR, reminder: DAY };

const finding = (id: string, more: Partial<Finding> = {}): Finding => ({
  id,
  kind: "DUPLICATE_CLIENT",
  severity: "serious",
  life: "confirmed",
  user: "mimi://example.org/u/alice",
  since: 0,
  changedAt: 0,
  detail: "",
  evidence: {},
  ...more,
});
const critical = (id: string, more: Partial<Finding> = {}): Finding =>
  finding(id, { kind: "UNLOGGED_LEAF", severity: "critical", ...more });
const idsOf = (alerts: readonly { readonly findings: readonly Finding[] }[]): string[][] =>
  alerts.map(({ findings }) => findings.map(({ id }) => id));

describe("alerts", () => {
  it("say nothing of what is pending", () => {
    const queue = new AlertQueue(SCHEDULE);
    expect(queue.offer([critical("a", { life: "pending" })], 0)).toEqual([]);
    expect(queue.nextDue()).toBeUndefined();
    expect(queue.due(10 * DAY)).toEqual([]);
  });

  it("gather what is found about a user within the quiet period, gravest first", () => {
    const queue = new AlertQueue(SCHEDULE);
    expect(queue.offer([finding("a")], 0)).toEqual([]);
    expect(queue.offer([finding("b", { severity: "notice" }), critical("c", { life: "suspect" })], 600)).toEqual([]);
    expect(queue.nextDue()).toBe(HOUR);
    expect(queue.due(HOUR - 1)).toEqual([]);
    const alerts = queue.due(HOUR);
    expect(idsOf(alerts)).toEqual([["c", "a", "b"]]);
    expect(alerts).toMatchObject([{ severity: "critical", occasion: "news" }]);
    expect(queue.due(HOUR + 1)).toEqual([]);
  });

  it("tell users apart", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a"), finding("b", { user: "mimi://example.org/u/bob" })], 0);
    expect(idsOf(queue.due(HOUR))).toEqual([["a"], ["b"]]);
  });

  it("do not let a critical confirmation wait, and take along what waits with it", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a")], 0);
    expect(idsOf(queue.offer([critical("b")], 10))).toEqual([["b", "a"]]);
    expect(queue.due(HOUR)).toEqual([]);
  });

  it("are given once for one change", () => {
    const queue = new AlertQueue(SCHEDULE);
    expect(queue.offer([critical("a")], 0)).toHaveLength(1);
    expect(queue.offer([critical("a")], 10)).toEqual([]);
    expect(queue.due(HOUR)).toEqual([]);
  });

  it("begin with what is confirmed, then with what has been so for longest", () => {
    const queue = new AlertQueue(SCHEDULE);
    const suspect = finding("a", { life: "suspect", since: 1 });
    queue.offer(
      [suspect, finding("b", { since: 3 }), finding("c", { since: 2 }), critical("d", { life: "suspect" })],
      0,
    );
    expect(idsOf(queue.due(HOUR))).toEqual([["d", "c", "b", "a"]]);
  });

  it("are about what is new, not about what was told before", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a"), finding("b", { life: "suspect" })], 0);
    expect(idsOf(queue.due(HOUR))).toEqual([["a", "b"]]);
    expect(queue.offer([finding("a"), finding("b", { life: "suspect" })], 2 * HOUR)).toEqual([]);
    expect(queue.nextDue()).toBeUndefined();
    queue.offer([finding("c")], 3 * HOUR);
    expect(idsOf(queue.due(4 * HOUR))).toEqual([["c"]]);
    expect(queue.offer([finding("b")], 5 * HOUR)).toEqual([]);
    const escalated = queue.due(6 * HOUR);
    expect(escalated).toMatchObject([{ occasion: "escalation" }]);
    expect(idsOf(escalated)).toEqual([["b"]]);
  });

  it("keep what was told while a finding is pending again", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a", { life: "suspect" })], 0);
    expect(queue.due(HOUR)).toHaveLength(1);
    queue.offer([finding("a", { life: "pending" })], 2 * HOUR);
    queue.offer([finding("a", { life: "suspect" })], 3 * HOUR);
    expect(queue.nextDue()).toBeUndefined();
  });

  it("come after an hour, and again after a day, unless the app says otherwise", () => {
    const queue = new AlertQueue();
    queue.offer([critical("a", { life: "suspect" })], 0);
    expect(queue.nextDue()).toBe(HOUR);
    expect(queue.due(HOUR)).toHaveLength(1);
    expect(queue.nextDue()).toBe(HOUR + DAY);
  });

  it("collect again after an alert, but escalate at once when something critical is confirmed", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([critical("a", { life: "suspect" })], 0);
    expect(queue.due(HOUR)).toMatchObject([{ occasion: "news" }]);
    expect(queue.offer([finding("b")], HOUR + 10)).toEqual([]);
    expect(queue.nextDue()).toBe(2 * HOUR + 10);
    const alerts = queue.offer([critical("a")], HOUR + 20);
    expect(alerts).toMatchObject([{ occasion: "escalation" }]);
    expect(idsOf(alerts)).toEqual([["a", "b"]]);
  });

  it("are not given for what ended before they were due", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a"), finding("b")], 0);
    queue.offer([finding("a", { life: "resolved" }), finding("b", { life: "acknowledged" })], 10);
    expect(queue.due(HOUR)).toEqual([]);
    expect(queue.nextDue()).toBeUndefined();
  });

  it("are given again for what ended and returned", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([finding("a")], 0);
    expect(queue.due(HOUR)).toHaveLength(1);
    queue.offer([finding("a", { life: "resolved" })], 2 * HOUR);
    queue.offer([finding("a")], 3 * HOUR);
    expect(queue.due(4 * HOUR)).toMatchObject([{ occasion: "news" }]);
  });

  it("remind of critical findings that nobody acknowledged, ever less often, and of nothing else", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([critical("a"), finding("b")], 0);
    expect(queue.nextDue()).toBe(DAY);
    expect(queue.due(DAY)).toMatchObject([{ occasion: "reminder", findings: [{ id: "a" }] }]);
    expect(queue.due(3 * DAY - 1)).toEqual([]);
    expect(queue.due(3 * DAY)).toMatchObject([{ occasion: "reminder" }]);
    expect(queue.nextDue()).toBe(7 * DAY);
    queue.offer([critical("a", { life: "acknowledged" })], 3 * DAY);
    expect(queue.due(30 * DAY)).toEqual([]);
  });

  it("go on from a snapshot", () => {
    const queue = new AlertQueue(SCHEDULE);
    queue.offer([critical("a"), finding("b", { user: "mimi://example.org/u/bob" })], 0);
    const restored = AlertQueue.restore(queue.snapshot(), SCHEDULE);
    expect(restored.snapshot()).toEqual(queue.snapshot());
    for (const at of [10, HOUR, DAY, 3 * DAY]) expect(restored.due(at)).toEqual(queue.due(at));
    const refused = (snapshot: Uint8Array) => {
      expect(() => AlertQueue.restore(snapshot)).toThrow(GhostStateError);
      try {
        AlertQueue.restore(snapshot);
      } catch (error) {
        return (error as GhostStateError).code;
      }
      return undefined;
    };
    const snapshot = queue.snapshot();
    expect(refused(snapshot.subarray(1))).toBe("malformed-state");
    snapshot[1] = 9;
    expect(refused(snapshot)).toBe("unknown-format");
  });
});
