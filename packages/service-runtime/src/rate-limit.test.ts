import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.js";

test("a burst, then the rate; one key does not pay for another; a clock that steps back grants nothing", () => {
  let now = 0;
  const limit = new RateLimit({ perSecond: 2, burst: 3 }, () => now);
  for (let i = 0; i < 3; i++) expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(1);
  expect(limit.take("b")).toBe(0);
  now += 499;
  expect(limit.take("a")).toBe(1);
  now += 2;
  expect(limit.take("a")).toBe(0);
  now -= 10_000;
  expect(limit.take("a")).toBe(1);
});

test("the wait is told in whole seconds, and asking takes nothing", () => {
  const limit = new RateLimit({ perSecond: 0.1, burst: 1 }, () => 0);
  expect(limit.wait("a")).toBe(0);
  expect(limit.wait("a")).toBe(0);
  expect(limit.take("a")).toBe(0);
  expect(limit.wait("a")).toBe(10);
});

test("zero turns it off", () => {
  const limit = new RateLimit({ perSecond: 0, burst: 1 }, () => 0);
  for (let i = 0; i < 100; i++) expect(limit.take("a")).toBe(0);
});

test("memory is bounded: the key unused for longest is forgotten, a busy one is not", () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1, keyLimit: 3 }, () => 0);
  for (const key of ["busy", "b", "c", "busy", "d", "busy"]) limit.take(key);
  expect(limit.wait("busy")).toBe(1);
  expect(limit.wait("b")).toBe(0);
});
