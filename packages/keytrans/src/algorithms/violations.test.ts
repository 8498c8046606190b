import { describe, expect, it } from "vitest";
import type { KeytransError } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { LabelVrf } from "../prover/label-vrf.js";
import { RecordedProof } from "../prover/recorded-proof.js";
import {
  contactMonitor,
  fixedVersionSearch,
  greatestByPosition,
  greatestVersionSearch,
  Inspection,
  type LogView,
  ownerInit,
  ownerInitEntries,
  ownerMonitor,
  updateLabel,
  updateVersions,
  updateView,
} from "./index.js";

const START = 1_000_000;
const label = text("label");

/**
 * Versions 0–1 at entry 2, 2 at 5, 3–6 at 9, of 14; each entry a second after the one before. With a window of four
 * seconds 0, 1, 3, 5, 7, 9 and 11 are distinguished.
 */
async function log(
  window = 4000n,
  lifetime?: bigint,
  changes: Readonly<Record<number, string[]>> = { 2: ["0", "1"], 5: ["2"], 9: ["3", "4", "5", "6"] },
): Promise<MemoryLog> {
  const made = new MemoryLog({ suite: keyedHashSuite(), window, ...(lifetime === undefined ? {} : { lifetime }) });
  for (let i = 0; i < 14; i++) {
    const values = changes[i];
    const time = START + i * 1000;
    if (values === undefined) await made.append([], time);
    else await made.put(label, values.map(text), time);
  }
  return made;
}

interface Run<T> {
  readonly outcome: T | undefined;
  /** Codes of what was noted as a violation. */
  readonly noted: readonly string[];
  /** The refusal that ended it. */
  readonly refused: KeytransError | undefined;
  /** Entries that were looked into, in order. */
  readonly asked: readonly number[];
}

/** Runs algorithms on the truth, as a verifier would that is told to expect something else. */
async function run<T>(made: MemoryLog, algorithms: (view: LogView) => Promise<T>, size = made.size): Promise<Run<T>> {
  const vrf = new LabelVrf(made.store, made.vrfPrivateKey, label);
  const recorded = new RecordedProof(made.store, { label, vrf });
  const asked: number[] = [];
  const noted: string[] = [];
  const lookUp = recorded.lookUp.bind(recorded);
  recorded.lookUp = (position, lookups, report) => {
    asked.push(position);
    return lookUp(position, lookups, report);
  };
  const inspection = new Inspection(recorded, [], ({ code }) => void noted.push(code));
  const view: LogView = { inspection, size, configuration: made.configuration };
  await updateView(view, undefined);
  try {
    return { outcome: await algorithms(view), noted, refused: undefined, asked };
  } catch (error) {
    return { outcome: undefined, noted, refused: error as KeytransError, asked };
  }
}

const clean = { noted: [], refused: undefined };
const broken = { noted: expect.arrayContaining(["inconsistent-ladder"]) };

describe("greatest-version search", () => {
  it("accepts the greatest version alone, and names where it ends", async () => {
    const made = await log();
    expect(await run(made, (view) => greatestVersionSearch(view, 6))).toMatchObject({
      ...clean,
      outcome: { position: 11, undistinguished: false },
      asked: [11, 13],
    });
    for (const version of [0, 1, 2, 3, 4, 5, 7, 8, 14, 15, 2 ** 32 - 1])
      expect(await run(made, (view) => greatestVersionSearch(view, version)), `${version}`).toMatchObject(broken);
  });

  it("throws by default, and starts at the root where nothing is distinguished", async () => {
    const made = await log(2n ** 50n);
    const search = await run(made, (view) => greatestVersionSearch(view, 6));
    expect(search).toMatchObject({ ...clean, outcome: { position: 11, undistinguished: true }, asked: [7, 11, 13] });
    const vrf = new LabelVrf(made.store, made.vrfPrivateKey, label);
    const inspection = new Inspection(new RecordedProof(made.store, { label, vrf }), []);
    const view: LogView = { inspection, size: made.size, configuration: made.configuration };
    await expect(greatestVersionSearch(view, 7)).rejects.toMatchObject({ code: "inconsistent-ladder" });
    await expect(greatestVersionSearch({ ...view, size: 9 }, 6)).rejects.toMatchObject({ code: "inconsistent-ladder" });
  });
});

describe("fixed-version search", () => {
  it("finds every version that exists, and no other", async () => {
    const made = await log();
    const ends: Record<number, number> = {};
    for (let version = 0; version <= 6; version++) {
      const { outcome, refused } = await run(made, (view) => fixedVersionSearch(view, version));
      expect(refused).toBeUndefined();
      ends[version] = outcome?.position as number;
    }
    expect(ends).toEqual({ 0: 2, 1: 3, 2: 7, 3: 9, 4: 9, 5: 9, 6: 11 });
    for (const version of [7, 8, 2 ** 32 - 1])
      expect((await run(made, (view) => fixedVersionSearch(view, version))).refused).toMatchObject({
        code: "not-found",
      });
  });

  it("says which versions have expired", async () => {
    // With a lifetime of six seconds entry 7 and all before it have expired.
    const made = await log(4000n, 6000n);
    const outcome = async (version: number) => {
      const { outcome: found, refused } = await run(made, (view) => fixedVersionSearch(view, version));
      return refused?.code ?? found?.position;
    };
    expect([await outcome(0), await outcome(2), await outcome(3), await outcome(5)]).toEqual(Array(4).fill("expired"));
    expect(await outcome(6)).toBe(11);
    expect(await outcome(7)).toBe("not-found");
  });
});

describe("what a fixed-version search found", () => {
  const found = async (made: MemoryLog, version: number) => {
    const { outcome, refused } = await run(made, (view) => fixedVersionSearch(view, version));
    return outcome ?? refused?.code;
  };

  it("is to be monitored right of the rightmost distinguished entry, and nowhere else", async () => {
    // Of 14 entries 11 is the rightmost distinguished one.
    const made = await log(4000n, undefined, { 2: ["0"], 11: ["1"], 12: ["2"], 13: ["3"] });
    expect(await Promise.all([0, 1, 2, 3].map((version) => found(made, version)))).toEqual([
      { position: 7, undistinguished: false },
      { position: 11, undistinguished: false },
      { position: 12, undistinguished: true },
      { position: 13, undistinguished: true },
    ]);
    const nothing = await log(2n ** 50n, undefined, { 2: ["0"], 5: ["1"] });
    expect(await found(nothing, 0)).toEqual({ position: 3, undistinguished: true });
  });

  it("counts after expired entries only where an unexpired distinguished entry stands left of it", async () => {
    // With a lifetime of six seconds entry 7 and all before it have expired; 13 holds 7 and 8, no entry 7 alone.
    const changes = { 2: ["0"], 10: ["1", "2", "3", "4", "5", "6"], 13: ["7", "8"] };
    for (const window of [4000n, 2000n]) {
      const made = await log(window, 6000n, changes);
      expect(await found(made, 7), `${window}`).toMatchObject({ position: 13 });
      expect(await found(made, 8), `${window}`).toMatchObject({ position: 13 });
      expect(await found(made, 9), `${window}`).toBe("not-found");
      expect(await found(made, 6), `${window}`).toMatchObject({ position: 11 });
      expect(await found(made, 3), `${window}`).toMatchObject({ position: 10 });
    }
  });
});

describe("contact monitoring", () => {
  it("climbs to the first distinguished entry, from right to left", async () => {
    const made = await log();
    expect(await run(made, (view) => contactMonitor(view, [{ position: 10, version: 6 }], undefined))).toMatchObject({
      ...clean,
      outcome: { map: [], deferred: [] },
      asked: [11],
    });
    expect(await run(made, (view) => contactMonitor(view, [{ position: 12, version: 6 }], undefined))).toMatchObject({
      ...clean,
      outcome: { map: [{ position: 13, version: 6 }], deferred: [] },
      asked: [13],
    });
    // A distinguished entry needs nothing, and leaves the map.
    expect(await run(made, (view) => contactMonitor(view, [{ position: 11, version: 6 }], undefined))).toMatchObject({
      ...clean,
      outcome: { map: [], deferred: [] },
      asked: [],
    });
    expect(await run(made, (view) => contactMonitor(view, [{ position: 10, version: 7 }], undefined))).toMatchObject(
      broken,
    );
  });

  it("leaves the last step to owner monitoring from the owner's start on, and only there", async () => {
    const made = await log();
    const entries = [{ position: 10, version: 6 }];
    expect(await run(made, (view) => contactMonitor(view, entries, 10))).toMatchObject({
      ...clean,
      outcome: { map: [], deferred: [{ position: 10, version: 6, distinguished: 11 }] },
      asked: [],
    });
    expect(await run(made, (view) => contactMonitor(view, entries, 11))).toMatchObject({
      ...clean,
      outcome: { map: [], deferred: [] },
      asked: [11],
    });
    // Nothing is distinguished: there is no last step to leave.
    expect(await run(await log(2n ** 50n), (view) => contactMonitor(view, entries, 3))).toMatchObject({
      ...clean,
      outcome: { map: [{ position: 11, version: 6 }], deferred: [] },
      asked: [11],
    });
  });

  it("drops a lesser version that meets a greater one, and refuses the reverse", async () => {
    const made = await log(2n ** 50n);
    const both = [
      { position: 2, version: 1 },
      { position: 5, version: 2 },
    ];
    expect(await run(made, (view) => contactMonitor(view, both, undefined))).toMatchObject({
      ...clean,
      outcome: { map: [{ position: 7, version: 2 }] },
      asked: [7, 3],
    });
    for (const versions of [
      [2, 1],
      [2, 2],
    ] as const) {
      const entries = versions.map((version, i) => ({ position: i === 0 ? 2 : 5, version }));
      expect((await run(made, (view) => contactMonitor(view, entries, undefined))).refused).toMatchObject({
        code: "non-monotonic-versions",
      });
    }
  });

  it("keeps one version for a position, the greatest", () => {
    expect(
      greatestByPosition([
        { position: 7, version: 2 },
        { position: 3, version: 9 },
        { position: 7, version: 5 },
        { position: 7, version: 4 },
      ]),
    ).toEqual([
      { position: 3, version: 9 },
      { position: 7, version: 5 },
    ]);
    expect(greatestByPosition([{ position: 1, version: 0 }])).toEqual([{ position: 1, version: 0 }]);
  });
});

describe("owner initialization", () => {
  it("inspects the start and its ancestors to the left, and refuses a start that is none", async () => {
    const made = await log();
    const entries = async (start: number, from = made) => {
      const { outcome, refused } = await run(from, (view) => ownerInitEntries(view, start));
      return refused?.code ?? outcome;
    };
    expect(await entries(11)).toEqual([11, 7]);
    expect(await entries(7)).toEqual([7]);
    expect(await entries(9)).toEqual([9, 7]);
    expect(await entries(3)).toEqual([3]);
    for (const start of [12, 13, 14, 100]) expect(await entries(start), `${start}`).toBe("invalid-start");
    const expiring = await log(4000n, 6000n);
    expect(await entries(11, expiring)).toEqual([11]);
    expect(await entries(7, expiring)).toBe("invalid-start");
  });

  it("accepts the versions that were the greatest, and no others", async () => {
    const made = await log();
    const init = (...versions: number[]) => run(made, (view) => ownerInit(view, [11, 7], versions));
    expect(await init(6, 2)).toMatchObject({ ...clean, asked: [11, 7] });
    for (const wrong of [[6, 1], [6, 3], [5, 2], [7, 2], [6], []])
      expect(await init(...wrong), wrong.join()).toMatchObject(broken);
    expect((await init(2, 6)).refused).toMatchObject({ code: "non-monotonic-versions" });
    expect((await init(6, 2, 2)).refused).toMatchObject({ code: "unexpected-count" });
    expect(await run(made, (view) => ownerInit(view, [1, 0], []))).toMatchObject(clean);
    expect(await run(made, (view) => ownerInit(view, [3, 1], [1]))).toMatchObject(clean);
    expect(await run(made, (view) => ownerInit(view, [3, 1], [1, 0]))).toMatchObject(broken);
  });
});

describe("owner monitoring", () => {
  it("verifies the distinguished entries right of the start, left to right", async () => {
    const made = await log();
    const expected = (position: number) => (position < 2 ? undefined : position < 5 ? 1 : position < 9 ? 2 : 6);
    const whole = await run(made, (view) => ownerMonitor(view, 0, expected));
    expect(whole).toMatchObject({ ...clean, outcome: { complete: true } });
    expect(whole.outcome?.verified).toEqual(whole.asked);
    expect(whole.asked).toEqual([1, 3, 5, 7, 9, 11]);
    expect(await run(made, (view) => ownerMonitor(view, 7, expected))).toMatchObject({
      ...clean,
      outcome: { verified: [9, 11], complete: true },
    });
    expect(await run(made, (view) => ownerMonitor(view, 11, expected))).toMatchObject({
      ...clean,
      outcome: { verified: [], complete: true },
    });
  });

  it("stops where the log knows more than the owner, and notes what is missing", async () => {
    const made = await log();
    expect(await run(made, (view) => ownerMonitor(view, 7, () => 2))).toMatchObject({
      ...clean,
      outcome: { verified: [], complete: false },
      asked: [],
    });
    const stubborn = (version: number | undefined) => (view: LogView) => {
      view.inspection.ownerStops = () => Promise.resolve(false);
      return ownerMonitor(view, 7, () => version);
    };
    for (const version of [undefined, 5, 7]) expect(await run(made, stubborn(version))).toMatchObject(broken);
    expect(await run(made, stubborn(6))).toMatchObject({ ...clean, outcome: { verified: [9, 11], complete: true } });
  });
});

describe("updating a label", () => {
  const greatestAt = (position: number) => (position < 2 ? undefined : position < 5 ? 1 : position < 9 ? 2 : 6);

  it("verifies what was there before, and what was created", async () => {
    for (const window of [0n, 4000n, 2n ** 50n]) {
      const made = await log(window);
      const update = (greatest: number | undefined, lastPosition: number, position: number, last: number) =>
        run(made, (view) => updateLabel(view, { greatest, lastPosition, greatestAt }, position, last));
      expect(await update(undefined, -1, 2, 1), `${window}`).toMatchObject(clean);
      expect(await update(1, 2, 5, 2), `${window}`).toMatchObject(clean);
      expect(await update(2, 5, 9, 6), `${window}`).toMatchObject(clean);
    }
  });

  it("notes versions that are not there, or not created there", async () => {
    const made = await log(2n ** 50n);
    const update = (greatest: number | undefined, lastPosition: number, position: number, last: number) =>
      run(made, (view) => updateLabel(view, { greatest, lastPosition, greatestAt }, position, last));
    expect(await update(2, 5, 9, 5)).toMatchObject(broken);
    expect(await update(2, 5, 9, 7)).toMatchObject(broken);
    // Created earlier than claimed: the entry before holds them already.
    expect(await update(2, 5, 10, 6)).toMatchObject(broken);
    // A version that was there before was kept from the owner.
    expect(await update(1, 2, 9, 6)).toMatchObject(broken);
    expect(await update(undefined, -1, 5, 2)).toMatchObject(broken);
    expect(await update(2, 5, 9, 6)).toMatchObject({
      ...clean,
      outcome: { distinguished: false },
      asked: [7, 8, 9, 9],
    });
  });

  it("finds nothing before the log's first entry", async () => {
    for (const window of [0n, 2n ** 50n]) {
      const made = await log(window, undefined, { 0: ["0", "1"] });
      const previous = { greatest: undefined, lastPosition: -1, greatestAt: () => undefined };
      const update = await run(made, (view) => updateLabel(view, previous, 0, 1));
      expect(update).toMatchObject({ ...clean, outcome: { distinguished: window === 0n } });
      expect(update.asked).toEqual(window === 0n ? [] : [0]);
    }
  });

  it("looks up at a distinguished entry only what owner monitoring will not", async () => {
    const made = await log(0n);
    const update = await run(made, (view) => updateLabel(view, { greatest: 2, lastPosition: 5, greatestAt }, 9, 6));
    expect(update).toMatchObject({ ...clean, outcome: { distinguished: true }, asked: [9] });
    const one = await run(made, (view) => updateLabel(view, { greatest: 1, lastPosition: 2, greatestAt }, 5, 2));
    expect(one).toMatchObject({ ...clean, outcome: { distinguished: true }, asked: [] });
    expect(updateVersions(2, 6)).toEqual([4, 5, 6, 7]);
    expect(updateVersions(undefined, 0)).toEqual([1]);
    expect(updateVersions(6, 7)).toEqual([8, 9, 11, 15]);
  });
});
