import { defaultPolicy, GhostDetector, type SightedLeaf } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { START } from "../conformance/example-devices.js";
import { rememberingProvider } from "./crypto-memory.js";

const BOB = "mimi://example.org/u/bob";
const leaf = (leafIndex: number): SightedLeaf => ({
  leafIndex,
  reference: BOB,
  type: "x509",
  user: BOB,
  client: BOB.replace("/u/", "/d/"),
  spkiHash: "",
  tbsCertificateHash: leafIndex.toString(16).padStart(64, "0"),
  keyMatches: true,
  notBefore: START,
  notAfter: 2 * START,
  source: "key_package",
});

describe("a group with more members than a call has arguments", () => {
  it("is sighted like any other", async () => {
    const policy = defaultPolicy({});
    const self = "mimi://example.org/u/alice";
    const detector = new GhostDetector({ self, ownKeys: [], policy, provider: rememberingProvider });
    const leaves = Array.from({ length: 130_000 }, (_, index) => leaf(index));
    const { findings } = await detector.observe({
      type: "tree",
      at: START,
      group: "g",
      epoch: 0,
      current: true,
      leaves,
    });
    expect(findings.filter(({ kind }) => kind === "UNLOGGED_LEAF")).toHaveLength(leaves.length);
    expect((await detector.observe({ type: "tick", at: START + 60 })).findings).toEqual([]);
  });
});
