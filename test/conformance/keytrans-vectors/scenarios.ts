import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256 } from "@mls-as/keytrans";
import type { PairedOptions } from "../../differential/paired-log.js";
import { hex, type Step } from "../keytrans-transcript.js";
import type { Recorder } from "./recorder.js";

/** A history of one log and one client. */
export interface Scenario {
  /** File name without extension. */
  readonly name: string;
  readonly description: string;
  readonly log: PairedOptions;
  play(recorder: Recorder): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const value = (label: string, version: number): Uint8Array => bytes(`${label} ${version}`);
const [ALICE, BOB, CAROL] = ["alice", "bob", "carol"].map((name) => bytes(name)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const alice = hex(ALICE);
const bob = hex(BOB);
const carol = hex(CAROL);

async function values(recorder: Recorder, after: number, label: Uint8Array, ...versions: number[]): Promise<void> {
  const name = new TextDecoder().decode(label);
  await recorder.grow(after, [{ label, values: versions.map((version) => value(name, version)) }]);
}

/** The entries of the draft's worked example: 13, of which 7 and 11 are distinguished for a window of 1000. */
async function workedExample(recorder: Recorder): Promise<void> {
  await recorder.grow(100);
  await values(recorder, 10, ALICE, 0);
  await values(recorder, 10, BOB, 0);
  await values(recorder, 10, ALICE, 1);
  await recorder.step({ op: "search", label: alice, version: null });
  for (let position = 4; position < 7; position++) await recorder.grow(10);
  await values(recorder, 10, BOB, 1, 2);
  await recorder.grow(400);
  await values(recorder, 200, ALICE, 2);
  await recorder.grow(200);
  await recorder.grow(300);
  await recorder.grow(500);
  await recorder.step({ op: "search", label: alice, version: null });
}

async function searches(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 100, ALICE, 0);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.step({ op: "search", label: alice, version: 0 });
  await values(recorder, 700, BOB, 0, 1, 2, 3, 4);
  await values(recorder, 700, ALICE, 1, 2);
  await recorder.step({ op: "search", label: bob, version: null });
  await values(recorder, 900, ALICE, 3);
  await recorder.grow(100);
  await recorder.step({ op: "search", label: alice, version: 1 });
  await recorder.step({ op: "search", label: bob, version: 3 });
  await recorder.step({ op: "search", label: alice, version: null });
}

async function contact(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 1100, ALICE, 0);
  await values(recorder, 100, BOB, 0);
  for (let position = 3; position < 8; position++) await recorder.grow(10);
  await values(recorder, 100, ALICE, 1);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.grow(50);
  await recorder.grow(50);
  await recorder.step({ op: "contactMonitor", label: alice });
  await values(recorder, 50, ALICE, 2);
  await recorder.grow(50);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.step({ op: "contactMonitor", label: alice });
  await recorder.grow(2000);
  await recorder.grow(2000);
  await recorder.step({ op: "contactMonitor", label: alice });
}

async function owner(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 1500, ALICE, 0);
  await recorder.grow(1500);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "ownerInit", label: alice, start: 1 });
  await recorder.grow(100);
  await recorder.step({ op: "update", label: alice, values: [hex(value("alice", 1))] });
  await recorder.grow(100, [{ label: BOB, values: [value("bob", 0)] }]);
  await recorder.step({ op: "update", label: alice, values: [2, 3, 4].map((version) => hex(value("alice", version))) });
  await recorder.grow(3000);
  await recorder.grow(3000);
  await recorder.step({ op: "ownerMonitor", label: alice });
  await values(recorder, 100, ALICE, 5);
  await values(recorder, 100, ALICE, 6, 7);
  await recorder.step({ op: "update", label: alice, values: [hex(bytes("disregarded"))] });
  await recorder.grow(2500);
  await recorder.step({ op: "ownerMonitor", label: alice });
  await recorder.step({ op: "distinguished", stop: 1 });
}

async function newLabel(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await recorder.grow(2000);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "ownerInit", label: carol, start: 1 });
  await recorder.grow(100);
  await recorder.grow(100);
  await recorder.step({ op: "update", label: carol, values: [hex(value("carol", 0))] });
  await recorder.step({ op: "search", label: carol, version: null });
}

async function expiry(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 400, ALICE, 0);
  await values(recorder, 600, ALICE, 1);
  await values(recorder, 1200, BOB, 0);
  await recorder.grow(1200);
  await values(recorder, 1200, ALICE, 2);
  await values(recorder, 1200, ALICE, 3);
  await recorder.grow(700);
  await values(recorder, 700, ALICE, 4);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.step({ op: "search", label: alice, version: 2 });
  await recorder.step({ op: "search", label: alice, version: 3 });
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "ownerInit", label: bob, start: 7 });
}

async function management(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await recorder.grow(1500, [{ label: ALICE, values: [value("alice", 0)] }]);
  await recorder.grow(1500);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.step({ op: "ownerInit", label: alice, start: 1 });
  await recorder.grow(100);
  await recorder.grow(100, [{ label: ALICE, values: [value("alice", 3), value("alice", 4)], skipped: 2 }]);
  await recorder.step({ op: "update", label: alice, values: [] });
  await recorder.step({ op: "search", label: alice, version: 3 });
  await recorder.grow(2000);
  await recorder.step({ op: "ownerMonitor", label: alice });
}

async function auditing(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 500, ALICE, 0);
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.grow(300, [{ label: BOB, values: [value("bob", 0)] }], false);
  await recorder.grow(300, [{ label: ALICE, values: [value("alice", 1)] }], false);
  await recorder.step({ op: "search", label: alice, version: null });
  await values(recorder, 800, BOB, 1);
  await recorder.grow(800, [], false);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "search", label: bob, version: 0 });
}

async function credentials(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 1500, ALICE, 0);
  await recorder.grow(1500);
  await values(recorder, 1500, BOB, 0, 1);
  await recorder.grow(200);
  const early = { op: "credential", credential: await recorder.credential(ALICE) };
  await recorder.refused(early, "the client knows no distinguished log entry yet");
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.offline(early);
  await recorder.offline({ op: "credential", credential: await recorder.credential(BOB) });
  await values(recorder, 100, ALICE, 1, 2);
  await recorder.grow(100);
  const provisional = await recorder.credential(ALICE);
  await recorder.offline({ op: "credential", credential: provisional });
  await recorder.grow(300);
  await recorder.grow(100);
  const update = { op: "credentialUpdate", update: await recorder.credentialUpdate(ALICE, provisional) };
  await recorder.refused(update, "the distinguished log entry it leads to is not known yet");
  await recorder.queued(update);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.offline(update);
}

async function audits(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await recorder.grow(100, [{ label: ALICE, values: [value("alice", 0)] }]);
  await recorder.grow(0);
  await recorder.grow(50, [
    { label: ALICE, values: [value("alice", 1), value("alice", 2)] },
    { label: BOB, values: [value("bob", 0)] },
    { label: CAROL, values: [value("carol", 0)] },
  ]);
  await recorder.grow(50, [{ label: BOB, values: [value("bob", 1)] }]);
  const updates = recorder.log.auditorUpdates.map((update) => ({ op: "audit", update: hex(update) }));
  for (const [position, update] of updates.entries()) {
    if (position === 1) await recorder.refused(updates[3] as Step, "an entry is left out");
    await recorder.offline(update);
    if (position === 3) await recorder.refused(update, "the same entry again");
  }
}

const SUITES = [
  ["ed25519", KT_128_SHA256_Ed25519],
  ["p256", KT_128_SHA256_P256],
] as const;

async function managed(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await recorder.grow(1500);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "ownerInit", label: alice, start: 1 });
  await recorder.step({ op: "update", label: alice, values: [0, 1].map((version) => hex(value("alice", version))) });
  await recorder.grow(300);
  await recorder.step({ op: "update", label: alice, values: [hex(value("alice", 2))] });
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.grow(1500);
  await recorder.grow(1500);
  await recorder.step({ op: "ownerMonitor", label: alice });
}

/** An auditor that takes over at entry 3 of a log which nobody had audited. */
async function laterAudit(recorder: Recorder): Promise<void> {
  const audit = (position: number): Omit<Step, "expect"> => ({
    op: "audit",
    update: hex(recorder.log.auditorUpdates[position] as Uint8Array),
  });
  await recorder.grow(0, [], false);
  await recorder.grow(300, [{ label: ALICE, values: [value("alice", 0)] }], false);
  await recorder.grow(300, [{ label: BOB, values: [value("bob", 0)] }], false);
  const checkpoint = await recorder.checkpoint();
  await recorder.grow(300, [{ label: ALICE, values: [value("alice", 1)] }]);
  await recorder.refused(
    { ...audit(3), checkpoint: await recorder.checkpoint() },
    "the checkpoint lies right of auditor_start_pos",
  );
  await recorder.refused({ ...audit(3), checkpoint: checkpoint.slice(0, -2) }, "the checkpoint lacks its last byte");
  const flipped = checkpoint.slice(0, -1) + (checkpoint.endsWith("0") ? "1" : "0");
  await recorder.refused({ ...audit(3), checkpoint: flipped }, "the checkpoint does not lead to the signed root");
  await recorder.refused(audit(3), "an auditor without a checkpoint starts at the first entry");
  await recorder.offline({ ...audit(3), checkpoint });
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.grow(300, [{ label: BOB, values: [value("bob", 1)] }]);
  await recorder.grow(300, [{ label: CAROL, values: [value("carol", 0)] }], false);
  await recorder.offline(audit(4));
  await recorder.offline(audit(5));
  await recorder.step({ op: "search", label: bob, version: null });
  await recorder.step({ op: "distinguished", stop: null });
}

/** A log that has dropped expired entries and old versions of the prefix tree. */
async function pruned(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 400, ALICE, 0);
  await values(recorder, 600, ALICE, 1);
  await values(recorder, 1200, BOB, 0);
  await recorder.grow(1200);
  await values(recorder, 1200, ALICE, 2);
  await recorder.step({ op: "distinguished", stop: null });
  await values(recorder, 1200, ALICE, 3);
  await recorder.grow(700);
  await values(recorder, 700, ALICE, 4);
  await recorder.prune();
  await recorder.step({ op: "search", label: alice, version: null });
  await recorder.step({ op: "search", label: alice, version: 3 });
  await recorder.step({ op: "search", label: bob, version: null });
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.step({ op: "ownerInit", label: alice, start: 7 });
  await recorder.grow(400);
  await recorder.step({ op: "update", label: alice, values: [hex(value("alice", 5))] });
  await recorder.grow(1200);
  await recorder.prune();
  await recorder.step({ op: "ownerMonitor", label: alice });
}

/** A provisional credential whose terminal entry becomes distinguished itself, and one in a log with an auditor. */
async function terminalCredential(recorder: Recorder): Promise<void> {
  await recorder.grow(0);
  await values(recorder, 1500, ALICE, 0);
  await recorder.grow(1500);
  await recorder.step({ op: "distinguished", stop: null });
  await values(recorder, 400, ALICE, 1);
  const provisional = { op: "credential", credential: await recorder.credential(ALICE) };
  await recorder.offline(provisional);
  await recorder.grow(3000);
  await recorder.grow(3000);
  await recorder.step({ op: "distinguished", stop: null });
  await recorder.offline(provisional);
  await recorder.offline({ op: "credential", credential: await recorder.credential(ALICE) });
}

export const SCENARIOS: readonly Scenario[] = SUITES.flatMap(([suite, id], i): Scenario[] => [
  {
    name: `worked-example-${suite}`,
    description: "The draft's worked example: a log of 13 entries, a client that saw it with 4",
    log: { id, mode: "contactMonitoring", window: 1000, seed: 101 + i },
    play: workedExample,
  },
  {
    name: `search-${suite}`,
    description: "Greatest-version and fixed-version searches by a new and a returning client",
    log: { id, mode: "contactMonitoring", window: 1000, seed: 111 + i },
    play: searches,
  },
  {
    name: `contact-monitor-${suite}`,
    description: "A contact monitors what it looked up until a distinguished log entry covers it",
    log: { id, mode: "contactMonitoring", window: 1000, seed: 121 + i },
    play: contact,
  },
  {
    name: `owner-${suite}`,
    description: "An owner takes over a label, updates it, monitors it, and is told of versions it did not make",
    log: { id, mode: "contactMonitoring", window: 1000, recent: 3, seed: 131 + i },
    play: owner,
  },
  {
    name: `new-label-${suite}`,
    description: "An owner creates a label that did not exist",
    log: { id, mode: "contactMonitoring", window: 1000, seed: 141 + i },
    play: newLabel,
  },
  {
    name: `maximum-lifetime-${suite}`,
    description: "Log entries expire: searches and ownership around them",
    log: { id, mode: "contactMonitoring", window: 1000, maximumLifetime: 5000, seed: 151 + i },
    play: expiry,
  },
  {
    name: `third-party-management-${suite}`,
    description: "Values carry the operator's signature; two versions were skipped",
    log: { id, mode: "thirdPartyManagement", window: 1000, seed: 161 + i },
    play: management,
  },
  {
    name: `third-party-auditing-${suite}`,
    description: "Tree heads come with an auditor's, of the same size or lagging",
    log: { id, mode: "thirdPartyAuditing", window: 1000, seed: 171 + i },
    play: auditing,
  },
  {
    name: `credentials-${suite}`,
    description: "A standard and a provisional credential, and the update that makes the latter final",
    log: { id, mode: "contactMonitoring", window: 1000, seed: 181 + i },
    play: credentials,
  },
  {
    name: `audit-${suite}`,
    description: "An auditor follows the log entry by entry",
    log: { id, mode: "thirdPartyAuditing", window: 1000, seed: 191 + i },
    play: audits,
  },
  {
    name: `management-updates-${suite}`,
    description:
      "The operator signs an owner's updates and forwards them to the manager; a version is skipped each time",
    log: { id, mode: "thirdPartyManagement", window: 1000, seed: 201 + i },
    play: managed,
  },
  {
    name: `audit-from-checkpoint-${suite}`,
    description: "An auditor begins at entry 3, where its configuration says so, and users see its heads",
    log: { id, mode: "thirdPartyAuditing", window: 1000, auditorStart: 3, seed: 211 + i },
    play: laterAudit,
  },
  {
    name: `pruned-${suite}`,
    description: "A log has dropped expired entries: searches, ownership, update and monitoring still work",
    log: { id, mode: "contactMonitoring", window: 1000, maximumLifetime: 5000, seed: 221 + i },
    play: pruned,
  },
  {
    name: `terminal-credential-${suite}`,
    description: "The terminal entry of a provisional credential becomes distinguished: it is final without an update",
    log: { id, mode: "thirdPartyAuditing", window: 1000, seed: 231 + i },
    play: terminalCredential,
  },
]);
