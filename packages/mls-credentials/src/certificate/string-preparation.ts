/** RFC 4518, "Map": code points mapped to nothing. */
const MAPPED_TO_NOTHING =
  /[\u0000-\u0008\u000E-\u001F\u007F-\u0084\u0086-\u009F\u00AD\u034F\u06DD\u070F\u1806\u180B-\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2063\u206A-\u206F\uFE00-\uFE0F\uFEFF\uFFF9-\uFFFC\u{1D173}-\u{1D17A}\u{E0001}\u{E0020}-\u{E007F}]/gu;
/** RFC 4518, "Map": code points mapped to a space. */
const MAPPED_TO_SPACE = /[\u0009-\u000D\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/gu;
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
  const mapped = text.replace(MAPPED_TO_NOTHING, "").replace(MAPPED_TO_SPACE, " ");
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
