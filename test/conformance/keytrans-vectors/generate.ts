import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Transcript } from "../keytrans-transcript.js";
import { Recorder } from "./recorder.js";
import { SCENARIOS, type Scenario } from "./scenarios.js";

/** A scenario as a transcript: only what must succeed, or with everything that must fail around it. */
export async function record({ description, log, play }: Scenario, hostile: boolean): Promise<Transcript> {
  const recorder = await Recorder.start(
    hostile ? `${description}; with answers that must be refused` : description,
    log,
    hostile,
  );
  await play(recorder);
  return recorder.transcript();
}

/** JSON with a step a line: long, but each of them can be read and compared. */
export function format({ steps, ...header }: Transcript): string {
  const lines = steps.map((step) => `  ${JSON.stringify(step)}`).join(",\n");
  return `${JSON.stringify(header, null, 1).slice(0, -2)},\n "steps": [\n${lines}\n ]\n}\n`;
}

/** Where tampering is shown with P-256 too; elsewhere it would differ from Ed25519 only in bytes, and cost seconds. */
const HOSTILE_P256 = ["search", "new-label", "third-party-auditing", "third-party-management"].map(
  (name) => `${name}-p256`,
);

/** Writes test/vectors/keytrans anew. */
export async function main(): Promise<void> {
  const folder = fileURLToPath(new URL("../../vectors/keytrans/", import.meta.url));
  const written: [string, string][] = [];
  let refused = 0;
  for (const kind of ["valid", "invalid"] as const)
    for (const scenario of SCENARIOS) {
      if (kind === "invalid" && scenario.name.endsWith("-p256") && !HOSTILE_P256.includes(scenario.name)) continue;
      const transcript = await record(scenario, kind === "invalid");
      refused += transcript.steps.filter(({ expect }) => !expect.ok).length;
      written.push([`${kind}/${scenario.name}.json`, format(transcript)]);
    }
  for (const kind of ["valid", "invalid"]) {
    rmSync(`${folder}${kind}`, { recursive: true, force: true });
    mkdirSync(`${folder}${kind}`, { recursive: true });
  }
  for (const [name, content] of written) writeFileSync(folder + name, content);
  process.stdout.write(`${SCENARIOS.length} scenarios, ${refused} steps that must fail\n`);
}
