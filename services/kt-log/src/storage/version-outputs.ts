import type { LogEntryWrites, StoredVersion } from "@mls-as/keytrans/prover";

type Key = Pick<StoredVersion, "label" | "version">;

/** The VRF outputs of a log entry's new versions, to be stored in the same rows. */
export interface VersionOutputs {
  keyOf(row: Key): string;
  /** @throws Error where the entry came without it */
  get(row: Key): Uint8Array;
}

const keyOf = ({ label, version }: Key): string => `${version} ${Buffer.from(label).toString("latin1")}`;

export function outputsOf({ vrfProofs }: LogEntryWrites): VersionOutputs {
  const outputs = new Map(vrfProofs.map((row) => [keyOf(row), row.output]));
  return {
    keyOf,
    get: (row) => {
      const output = outputs.get(keyOf(row));
      if (output === undefined) throw new Error("a new version came without its VRF output");
      return output;
    },
  };
}
