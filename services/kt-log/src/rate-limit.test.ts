import { expect, test } from "vitest";
import { Problem } from "./problem.js";
import { RateLimit } from "./rate-limit.js";

test("a burst, then the rate; one key does not pay for another", () => {
  let now = 0;
  const limit = new RateLimit({ perSecond: 2, burst: 3 }, () => now);
  for (let i = 0; i < 3; i++) limit.take("a");
  expect(() => limit.take("a")).toThrow(Problem);
  limit.take("b");
  now += 499;
  expect(() => limit.take("a")).toThrow(expect.objectContaining({ code: "rate-limited", details: { retryAfter: 1 } }));
  now += 2;
  limit.take("a");
  now -= 10_000;
  expect(() => limit.take("a")).toThrow(Problem);
});

test("zero turns it off", () => {
  const limit = new RateLimit({ perSecond: 0, burst: 1 }, () => 0);
  for (let i = 0; i < 100; i++) limit.take("a");
});
