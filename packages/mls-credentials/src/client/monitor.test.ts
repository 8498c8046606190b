import { INITIAL_STATE } from "@mls-as/keytrans/client";
import { LogClientError, type LogConnection, memoryStateStore } from "@mls-as/kt-client";
import { nodeProvider } from "@mls-as/mls-core/node";
import { expect, test } from "vitest";
import { identityBytes } from "../identity/identity-uri.js";
import { defaultPolicy, encodePolicy } from "../policy.js";
import { preparePolicy } from "../prepared-policy.js";
import type { LogClient } from "./log-client.js";
import { Monitor } from "./monitor.js";

const ALICE = "mimi://example.org/u/alice";

interface Answers {
  /** Steps of owner monitoring that verify nothing and are not complete, before the one that is; undefined: for ever. */
  readonly incomplete: number | undefined;
  /** What an update without values is told. */
  readonly updates: "more" | "nothing-to-update";
}

/** A log that is asked for nothing but Alice's label, which does not get to its greatest version. */
async function roundWith({ incomplete, updates }: Answers): Promise<{ calls: string[]; open: string[] }> {
  const calls: string[] = [];
  const refused = (code: string): LogClientError =>
    new LogClientError("refused", "/v1", code, { status: 404, problem: { code } });
  const label = identityBytes(ALICE);
  const owned = {
    ...INITIAL_STATE,
    labels: [{ label, monitoring: [], owner: { start: 1 }, versions: new Map() }],
  };
  let steps = 0;
  const connection = {
    ownerMonitor: async (state: unknown) => {
      calls.push("ownerMonitor");
      return { result: { complete: incomplete !== undefined && steps++ >= incomplete, verified: [] }, state };
    },
    update: async (state: unknown) => {
      calls.push("update");
      if (updates === "nothing-to-update") throw refused(updates);
      return { result: {}, state };
    },
  } as unknown as LogConnection;
  const log = {
    connection,
    state: async () => owned,
    transact: async (work: (state: unknown, via: LogConnection) => Promise<{ result: unknown }>) =>
      (await work(owned, connection)).result,
    search: async () => {
      calls.push("search");
      throw refused("label-unknown");
    },
    distinguished: async () => ({}),
  };
  const lists = { logId: new Uint8Array(32), log } as unknown as LogClient;
  const monitor = await Monitor.open({
    user: ALICE,
    ownKeys: [],
    policy: preparePolicy(encodePolicy(defaultPolicy({}))),
    provider: nodeProvider,
    lists,
    store: memoryStateStore(),
  });
  await monitor.round([]);
  return { calls, open: monitor.detector.findings().map(({ kind, life }) => `${kind} ${life}`) };
}

test("owner monitoring that never completes counts as silence, and is not done", async () => {
  const hiding = await roundWith({ incomplete: undefined, updates: "nothing-to-update" });
  expect(hiding.calls).toEqual(["ownerMonitor", "update"]);
  expect(hiding.open).toEqual(["EVIDENCE_UNAVAILABLE pending"]);
  const endless = await roundWith({ incomplete: undefined, updates: "more" });
  expect(endless.calls).not.toContain("search");
  expect(endless.open).toEqual(["EVIDENCE_UNAVAILABLE pending"]);
});

test("owner monitoring learns of as many versions as there are", async () => {
  const { calls } = await roundWith({ incomplete: 5, updates: "more" });
  expect(calls.filter((call) => call === "update")).toHaveLength(5);
  expect(calls.at(-1)).toBe("search");
});
