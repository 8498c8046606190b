import { randomBytes } from "node:crypto";
import { ContactMonitorRequest, type MonitorMapEntry } from "@mls-as/keytrans";
import { encode } from "@mls-as/tls-codec";
import { expect, test } from "vitest";
import { showsOpenings } from "./commitment-openings.js";

const label = new TextEncoder().encode("mimi://example.org/u/alice");
const opening = (version: number): Uint8Array => new Uint8Array(16).fill(version + 1);
const shown = (version: number, bytes = opening(version)): string =>
  `${version}=${Buffer.from(bytes).toString("base64url")}`;

/** What is answered, and which versions were looked up. */
async function ask(
  entries: readonly MonitorMapEntry[],
  header: string,
  present = true,
): Promise<[boolean, readonly number[]]> {
  const asked: number[] = [];
  const store = {
    commitmentOpening: async (_: Uint8Array, version: number) => {
      asked.push(version);
      return present ? opening(version) : undefined;
    },
  };
  const body = encode(ContactMonitorRequest, { last: undefined, label, entries: [...entries] });
  return [await showsOpenings(store, header, body), asked];
}

const at = (position: number, version: number): MonitorMapEntry => ({ position, version });

test("every version's opening, each looked up once", async () => {
  expect(await ask([at(1, 0), at(2, 3)], `${shown(0)}, ${shown(3)}`)).toEqual([true, [0, 3]]);
  // Others beside them do no harm, and are not looked at.
  expect(await ask([at(2, 3)], `${shown(0)}, ${shown(3)}`)).toEqual([true, [3]]);
});

test("what cannot be whole is refused before anything is looked up", async () => {
  const many = Array.from({ length: 255 }, (_, i) => at(i, 0));
  expect(await ask(many, shown(0))).toEqual([false, []]);
  expect(await ask([at(1, 0), at(2, 1)], shown(0))).toEqual([false, []]);
  expect(await ask([], shown(0))).toEqual([false, []]);
});

test("a stranger makes the log do one look-up, whether or not there is such a label", async () => {
  const versions = Array.from({ length: 255 }, (_, i) => i);
  const entries = versions.map((version) => at(version, version));
  const guesses = versions.map((version) => shown(version, new Uint8Array(randomBytes(16)))).join();
  for (const present of [true, false]) expect(await ask(entries, guesses, present)).toEqual([false, [0]]);
});

test("a refusal comes at a time that does not tell what was found", async () => {
  for (const present of [true, false]) {
    const started = performance.now();
    await ask([at(1, 0)], shown(0, new Uint8Array(16)), present);
    expect(performance.now() - started).toBeGreaterThan(20);
  }
});
