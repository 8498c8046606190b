import { readdirSync, readFileSync } from "node:fs";
import { Configuration, KeytransError, nobleSuite, type SuiteId, wireFormat } from "@mls-as/keytrans";
import { type Codec, decode, encode } from "@mls-as/tls-codec";
import { describe, expect, test } from "vitest";
import { ClientSession, type Outcome } from "../conformance/keytrans-session.js";
import { hex, type Step, type Transcript, unhex } from "../conformance/keytrans-transcript.js";
import { baseLadder } from "./ladders.js";

const LONG = process.env.MLS_AS_LONG === "1";
/** In npm test every 23rd byte of an answer, from a place that moves on; with MLS_AS_LONG=1 every byte. */
const STRIDE = LONG ? 1 : 23;
const FOLDER = new URL("../vectors/keytrans/valid/", import.meta.url);
const TRANSCRIPTS = readdirSync(FOLDER).filter((name) => LONG || name.endsWith("-ed25519.json"));

/** The field that carries what was received. */
const RECEIVED: Readonly<Record<string, "credential" | "update" | "request">> = {
  credential: "credential",
  credentialUpdate: "update",
  audit: "update",
  managerUpdate: "request",
};
const received = (step: Step): "credential" | "update" | "request" | "response" => RECEIVED[step.op] ?? "response";

function receivedBytes(step: Step): Uint8Array {
  const value = step[received(step)];
  return unhex(Array.isArray(value) ? value[0] : value, received(step));
}

/** The step with other bytes received; of several responses the first is replaced. */
function withBytes(step: Step, bytes: Uint8Array): Step {
  const field = received(step);
  const value = step[field];
  return { ...step, [field]: Array.isArray(value) ? [hex(bytes), ...value.slice(1)] : hex(bytes) };
}

/**
 * The answer with all that the draft gives a client no means to check yet set to one value: the commitments of versions above
 * the one a fixed-version search is for, openings and values of versions that a distinguished log entry holds (owner monitoring
 * checks them later). Undefined when there is nothing of the kind.
 */
function checkable(configuration: Configuration, step: Step, bytes: Uint8Array): string | undefined {
  const wire = wireFormat(nobleSuite(configuration.ciphersuite as SuiteId), configuration);
  const blank = new Uint8Array(32);
  if (step.op === "search" && typeof step.version === "number") {
    const target = step.version;
    const codec = wire.FixedSearchResponse;
    const response = decode(codec, bytes);
    const binaryLadder = response.binaryLadder.map((entry, i) =>
      (baseLadder(target)[i] as number) > target && entry.commitment !== undefined
        ? { ...entry, commitment: blank }
        : entry,
    );
    return hex(encode(codec, { ...response, binaryLadder }));
  }
  if (step.op !== "update") return undefined;
  const codec = wire.UpdateResponse as Codec<ReturnType<typeof wire.UpdateResponse.read>>;
  const response = decode(codec, bytes);
  return hex(
    encode(codec, {
      ...response,
      values: response.values.map(({ value }) => ({ value: new Uint8Array(value.length) })),
      info: response.info.map((info) => ({ ...info, opening: new Uint8Array(16) })),
    }),
  );
}

/**
 * Whether owner monitoring finds out: what an update says of versions at a distinguished entry, and that it is this entry, is
 * the log's word until then. Undefined where the owner does not monitor any more.
 */
async function ownerFindsOut(
  session: ClientSession,
  update: Step,
  later: readonly Step[],
): Promise<boolean | undefined> {
  const monitored = later.findIndex(
    ({ op, label, expect: { ok } }) => ok && op === "ownerMonitor" && label === update.label,
  );
  if (update.op !== "update" || monitored < 0) return undefined;
  try {
    for (const step of later.slice(0, monitored + 1)) if (step.expect.ok) await session.perform(step);
    return false;
  } catch (error) {
    if (!(error instanceof KeytransError)) throw error;
    return true;
  }
}

/** What came of a flipped bit that was not refused: undefined when that is as it must be. */
function objection(
  configuration: Configuration,
  step: Step,
  flipped: Uint8Array,
  outcome: Outcome,
): string | undefined {
  // What an added leaf holds is the log's word: another leaf only must not give the same tree.
  if (step.op === "audit") return outcome.root === step.expect.root ? "another update gives the same root" : undefined;
  // A queued update was not looked at yet.
  if (step.op === "credentialUpdate" && outcome.final === false && step.expect.final === false) return undefined;
  const expected = checkable(configuration, step, receivedBytes(step));
  if (expected !== undefined && expected === checkable(configuration, step, flipped)) return undefined;
  return "accepted";
}

describe(`every ${STRIDE === 1 ? "" : `${STRIDE}rd `}byte of every answer, one bit flipped`, () => {
  test.each(TRANSCRIPTS)(
    "%s: refused, and the state stays as it was",
    async (name) => {
      const transcript = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Transcript;
      const configuration = decode(Configuration, unhex(transcript.configuration, "configuration"));
      const session = await ClientSession.open(transcript);
      const objections: string[] = [];
      let flips = 0;
      for (const [index, step] of transcript.steps.entries()) {
        const before = session.snapshot();
        const bytes = receivedBytes(step);
        for (let at = index % STRIDE; at < bytes.length; at += STRIDE) {
          const flipped = Uint8Array.from(bytes);
          flipped[at] = (flipped[at] as number) ^ (1 << ((at * 5 + index) % 8));
          flips++;
          const attempt = session.fork();
          let found: string | undefined;
          try {
            const outcome = await attempt.perform(withBytes(step, flipped));
            const foundOut = await ownerFindsOut(attempt, step, transcript.steps.slice(index + 1));
            found = foundOut === true ? undefined : objection(configuration, step, flipped, outcome);
            if (foundOut === false) found = "accepted, and owner monitoring does not find out";
          } catch (error) {
            if (!(error instanceof KeytransError)) throw error;
            if (attempt.snapshot() !== before) found = "refused, but the state changed";
          }
          if (found !== undefined) objections.push(`step ${index} ${step.op}, byte ${at}: ${found}`);
        }
        await session.perform(step);
      }
      expect(objections).toEqual([]);
      expect(flips).toBeGreaterThan(0);
    },
    LONG ? 3_600_000 : 60_000,
  );
});
