import { describe, expect, it } from "vitest";
import { confirmOwn, type OwnDevices } from "./own-devices.js";

const [LAPTOP, TABLET] = ["laptop", "tablet"].map((device) => `mimi://example.org/d/alice/${device}`) as [
  string,
  string,
];
const key = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);

describe("a device that the user confirms in person", () => {
  it("is trusted and no longer counted as revoked; all others still are", () => {
    const laptop = { client: LAPTOP, spkiHash: key(1) };
    const revoked = [1, 2].map((seed) => ({ spkiHash: key(seed), version: seed }));
    const own: OwnDevices = { user: "mimi://example.org/u/alice", trusted: [laptop], revoked };
    const tablet = { client: TABLET, spkiHash: key(2) };
    expect(confirmOwn(own, tablet)).toEqual({ ...own, trusted: [laptop, tablet], revoked: [revoked[0]] });
    expect(confirmOwn(own, laptop)).toEqual({ ...own, revoked: [revoked[1]] });
  });
});
