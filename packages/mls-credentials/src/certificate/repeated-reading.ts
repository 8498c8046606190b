import { type DerElement, encodingOf, readElement } from "./der.js";

/** Encodings longer than this are read each time, so that what is kept stays small. */
const LONGEST = 512;
const PLACES = 128;

/**
 * Reads the same bytes once: certificates of one CA repeat its name, its algorithm and most extensions. Keeps the last
 * value for each of a fixed number of places; what is read must depend on the element's bytes alone and never be changed.
 */
export class RepeatedReading<T> {
  readonly #places: ({ readonly encoding: Uint8Array; readonly value: T } | undefined)[] = Array.from({
    length: PLACES,
  });

  /** @param keep whether a value is likely to come again; what is not must not push out what is. */
  read(element: DerElement, read: (element: DerElement) => T, keep: (value: T) => boolean = () => true): T {
    const { input, start, end } = element;
    const length = end - start;
    if (length > LONGEST) return read(element);
    const sample = (input[end - 1] ?? 0) * 7 + (input[end - 3] ?? 0) * 3 + (input[start + 6] ?? 0);
    const place = (length * 31 + sample) % PLACES;
    const kept = this.#places[place];
    if (kept !== undefined && isEncoding(element, kept.encoding)) return kept.value;
    const value = read(element);
    if (!keep(value)) return value;
    // Read again from a copy: windows on the caller's certificate would keep the whole of it.
    const copy = encodingOf(element).slice();
    const lasting = read(readElement(copy));
    this.#places[place] = { encoding: copy, value: lasting };
    return lasting;
  }
}

/** Compares in place: a window for each comparison is work for the garbage collector. */
function isEncoding({ input, start, end }: DerElement, octets: Uint8Array): boolean {
  if (octets.length !== end - start) return false;
  for (let index = 0; index < octets.length; index++) if (input[start + index] !== octets[index]) return false;
  return true;
}
