const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Whether `text` is a lower-case fully qualified domain name of LDH labels and A-labels, without port or trailing dot.
 *
 * A name needs two labels; a last label of digits alone would be an IPv4 address to URL parsers and is refused. Labels
 * with `--` in third place must be A-labels whose Punycode decodes to something that is not ASCII already.
 */
export function isDomainName(text: string): boolean {
  // Users come in crowds of one domain: the last good one is remembered.
  if (text === lastGood) return true;
  const good = judge(text);
  if (good) lastGood = text;
  return good;
}

let lastGood: string | undefined;

function judge(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  const labels = text.split(".");
  if (labels.length < 2 || !labels.every(isLabel)) return false;
  return !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) as string);
}

function isLabel(label: string): boolean {
  if (!LDH_LABEL.test(label)) return false;
  if (label.slice(2, 4) !== "--") return true;
  return label.startsWith("xn--") && decodesToUnicode(label.slice(4));
}

/** Punycode decoding (RFC 3492, "Decoding procedure"), kept to the question whether it succeeds on non-ASCII text. */
function decodesToUnicode(punycode: string): boolean {
  const delimiter = punycode.lastIndexOf("-");
  const basic = delimiter > 0 ? delimiter : 0;
  const digits = delimiter > 0 ? punycode.slice(delimiter + 1) : punycode;
  if (digits.length === 0) return false;
  let length = basic;
  let codePoint = 128;
  let index = 0;
  let bias = 72;
  let position = 0;
  while (position < digits.length) {
    const start = index;
    let weight = 1;
    for (let k = 36; ; k += 36) {
      if (position >= digits.length) return false;
      const digit = digitOf(digits.charCodeAt(position++));
      if (digit === undefined) return false;
      index += digit * weight;
      const threshold = Math.min(26, Math.max(1, k - bias));
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (index > 0x7fffffff || weight > 0x7fffffff) return false;
    }
    length++;
    bias = adaptBias(index - start, length, start === 0);
    codePoint += Math.floor(index / length);
    index = (index % length) + 1;
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) return false;
  }
  return true;
}

function digitOf(code: number): number | undefined {
  if (code >= 97 && code <= 122) return code - 97;
  if (code >= 48 && code <= 57) return code - 22;
  return undefined;
}

/** RFC 3492, "Bias adaptation function". */
function adaptBias(delta: number, points: number, first: boolean): number {
  let rest = first ? Math.floor(delta / 700) : Math.floor(delta / 2);
  rest += Math.floor(rest / points);
  let k = 0;
  while (rest > 455) {
    rest = Math.floor(rest / 35);
    k += 36;
  }
  return k + Math.floor((36 * rest) / (rest + 38));
}
