import { KeytransError } from "../errors.js";
import { rightmostDistinguished } from "./distinguished.js";
import type { SearchOutcome } from "./greatest-version-search.js";
import {
  type BoundedEntry,
  boundedLeft,
  boundedRight,
  boundedRoot,
  isBoundedDistinguished,
  isExpired,
  type LogView,
  rightmostTimestamp,
} from "./log-view.js";

const SECTION = "Fixed-Version Search";

/**
 * Finds the entry that proves version `target` of a label, expired entries aside.
 * Draft section "Fixed-Version Search", "Algorithm".
 * @throws KeytransError not-found, expired
 */
export async function fixedVersionSearch(view: LogView, target: number): Promise<SearchOutcome> {
  const search = new FixedVersionSearch(view, target);
  const position = await search.run();
  const distinguished = await rightmostDistinguished(view);
  return { position, undistinguished: distinguished === undefined || position > distinguished };
}

class FixedVersionSearch {
  readonly #view: LogView;
  readonly #target: number;
  #sawExpired = false;
  /** Unexpired distinguished entries on the way; all but those to the right of the present entry bound it from the left. */
  readonly #distinguished: number[] = [];
  /** The leftmost inspected entry that holds a greater version. */
  #above: number | undefined;

  constructor(view: LogView, target: number) {
    this.#view = view;
    this.#target = target;
  }

  async run(): Promise<number> {
    const rightmost = await rightmostTimestamp(this.#view);
    let entry: BoundedEntry | undefined = await boundedRoot(this.#view);
    while (entry !== undefined) {
      const { position } = entry;
      if (isExpired(this.#view, await this.#view.inspection.timestamp(position), rightmost)) {
        this.#sawExpired = true;
        entry = await boundedRight(this.#view, entry);
        continue;
      }
      if (isBoundedDistinguished(this.#view, entry)) this.#distinguished.push(position);
      const comparison = await this.#view.inspection.searchLadder(position, this.#target, true);
      if (comparison === 0) return this.#equalAt(position);
      if (comparison > 0 && (this.#above === undefined || position < this.#above)) this.#above = position;
      entry = comparison < 0 ? await boundedRight(this.#view, entry) : await boundedLeft(this.#view, entry);
    }
    return this.#withoutEqual();
  }

  /** Step 5: the target is the greatest version here. */
  #equalAt(position: number): number {
    if (this.#sawExpired && !this.#distinguished.some((known) => known <= position)) throw this.#expired();
    return position;
  }

  /** Step 6: no inspected entry holds the target as its greatest version. */
  async #withoutEqual(): Promise<number> {
    const above = this.#above;
    if (above === undefined) throw this.#notFound();
    if (this.#sawExpired && !this.#distinguished.some((known) => known < above)) throw this.#expired();
    if (!(await this.#view.inspection.includes(above, [this.#target]))) throw this.#notFound();
    return above;
  }

  #notFound(): KeytransError {
    return new KeytransError("not-found", `version ${this.#target} does not exist`, SECTION, "version");
  }

  #expired(): KeytransError {
    return new KeytransError("expired", `version ${this.#target} has expired`, SECTION, "version");
  }
}
