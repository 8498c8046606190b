import { baseBinaryLadder } from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
import type { BinaryLadderStep } from "../structs/index.js";
import { vrfInput, type VrfPublicKey } from "../suite/index.js";
import type { SearchedKey } from "../prefix-tree/evaluate.js";
import type { KnownVersions } from "./received-proof.js";
import type { LabelState } from "./state.js";

/** Evaluates the VRF proofs of a response's ladder. @throws KeytransError unexpected-count, invalid-vrf-proof */
export function verifyLadder(
  key: VrfPublicKey,
  label: Uint8Array,
  versions: readonly number[],
  steps: readonly BinaryLadderStep[],
  section: string,
): Map<number, SearchedKey> {
  if (steps.length !== versions.length)
    throw new KeytransError(
      "unexpected-count",
      `${steps.length} ladder steps where ${versions.length} are due`,
      section,
      "binaryLadder",
    );
  const known = new Map<number, SearchedKey>();
  versions.forEach((version, i) => {
    const { proof, commitment } = steps[i] as BinaryLadderStep;
    known.set(version, { vrfOutput: evaluate(key, label, version, proof, i, section), commitment });
  });
  return known;
}

function evaluate(
  key: VrfPublicKey,
  label: Uint8Array,
  version: number,
  proof: Uint8Array,
  index: number,
  section: string,
): Uint8Array {
  try {
    return key.verify(vrfInput(label, version), proof);
  } catch {
    throw new KeytransError(
      "invalid-vrf-proof",
      `the VRF proof for version ${version} does not verify`,
      section,
      `binaryLadder[${index}].proof`,
    );
  }
}

/** Refuses commitments where none is due, and misses where one is. */
export function checkCommitments(
  steps: readonly BinaryLadderStep[],
  versions: readonly number[],
  due: (version: number) => boolean | undefined,
  section: string,
): void {
  versions.forEach((version, i) => {
    const expected = due(version);
    if (expected !== undefined && expected !== ((steps[i] as BinaryLadderStep).commitment !== undefined))
      throw new KeytransError(
        "unexpected-field",
        `version ${version} ${expected ? "needs a" : "must not have a"} commitment`,
        section,
        `binaryLadder[${i}].commitment`,
      );
  });
}

/** Adds what was learned and forgets what no ladder to come needs. */
export function retainVersions(state: LabelState, learned: KnownVersions): LabelState {
  const needed = new Set<number>();
  const targets = state.monitoring.map(({ version }) => version);
  if (state.owner) {
    needed.add(0);
    targets.push(...state.owner.increases.map(({ version }) => version));
    if (state.owner.versionAtStart !== undefined) targets.push(state.owner.versionAtStart);
  }
  for (const target of targets) for (const version of baseBinaryLadder(target)) needed.add(version);
  const versions = new Map<number, SearchedKey>();
  for (const source of [state.versions, learned])
    for (const [version, key] of source) {
      if (!needed.has(version)) continue;
      const before = versions.get(version);
      versions.set(version, { vrfOutput: key.vrfOutput, commitment: key.commitment ?? before?.commitment });
    }
  return { ...state, versions };
}
