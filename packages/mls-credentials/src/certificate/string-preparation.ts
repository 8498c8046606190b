/** RFC 4518, "Map": code points mapped to nothing, as ranges. */
const MAPPED_TO_NOTHING: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0e, 0x1f],
  [0x7f, 0x84],
  [0x86, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x1806, 0x1806],
  [0x180b, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x2063],
  [0x206a, 0x206f],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffc],
  [0x1d173, 0x1d17a],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
];

/** RFC 4518, "Map": code points mapped to a space. */
const MAPPED_TO_SPACE: readonly (readonly [number, number])[] = [
  [0x09, 0x0d],
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];

const isIn = (code: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([first, last]) => code >= first && code <= last);

/** RFC 4518, "Map", without case folding. */
function mapCharacters(text: string): string {
  let mapped = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (isIn(code, MAPPED_TO_SPACE)) mapped += " ";
    else if (!isIn(code, MAPPED_TO_NOTHING)) mapped += character;
  }
  return mapped;
}

/** RFC 4518, "Prohibit": private use, non-characters, surrogates, the replacement character; unassigned code points. */
const PROHIBITED = /[\p{Co}\p{Cs}\p{Cn}\uFFFD]/u;

/** Spaces of a prepared string: a space that carries no combining mark. */
const SPACES = / +(?!\p{M})/gu;

/**
 * Prepares a string for caseIgnoreMatch (RFC 4518, "String Preparation"): map, case fold, normalise (NFKC), prohibit,
 * and reduce insignificant spaces (RFC 5280, "Internationalized Names in Distinguished Names": leading and trailing
 * spaces do not count, inner runs count as one). Undefined when it holds a prohibited code point: such a value matches
 * nothing.
 */
export function prepareString(text: string): string | undefined {
  // Printable ASCII is nearly all there is: nothing in it is mapped, normalised or prohibited.
  if (/^[\x20-\x7e]*$/.test(text)) return text.trim().replace(/ {2,}/g, " ").toLowerCase();
  const mapped = mapCharacters(text);
  const folded = foldCase(mapped.normalize("NFKC")).normalize("NFKC");
  if (PROHIBITED.test(folded)) return undefined;
  return folded.replace(SPACES, " ").replace(/^ | $/g, "");
}

/** Case folding of RFC 3454, table B.2: full folding, so that sharp s equals "ss" and final sigma equals sigma. */
function foldCase(text: string): string {
  let folded = "";
  // Dotless i has an upper-case form but no folding.
  for (const character of text) folded += character === "ı" ? character : character.toUpperCase().toLowerCase();
  return folded.replaceAll("ς", "σ");
}
