import { equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "../log-tree.js";

/** Something that should not be. Names a label only by its hash. */
export interface Finding {
  readonly where: string;
  readonly what: string;
}

/** There is no point in naming more. */
export class TooManyFindings extends Error {}

export class Findings {
  readonly list: Finding[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws TooManyFindings at the limit */
  note(where: string, what: string): void {
    this.list.push({ where, what });
    if (this.list.length >= this.#limit) throw new TooManyFindings();
  }

  same(where: string, what: string, stored: Uint8Array | undefined, derived: Uint8Array): void {
    if (stored === undefined || !equalBytes(stored, derived)) this.note(where, `${what} is not what it must be`);
  }
}

export const labelName = (label: Uint8Array): string =>
  `label sha256:${Buffer.from(sha256(label)).toString("hex", 0, 8)}`;
