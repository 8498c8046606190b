import { concatBytes } from "@mls-as/tls-codec";

/** One DER element: identifier octet, definite length in its shortest form, contents (X.690, "Length octets"). */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...contents);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const header = body.length < 128 ? [tag, body.length] : [tag, 0x80 + length.length, ...length];
  return concatBytes(Uint8Array.from(header), body);
}

export const derSequence = (...elements: readonly Uint8Array[]): Uint8Array => derElement(0x30, ...elements);

/** SET OF: elements in ascending order of their encodings (X.690, "Set-of components"). */
export function derSet(...elements: readonly Uint8Array[]): Uint8Array {
  return derElement(0x31, ...[...elements].sort(compareEncodings));
}

function compareEncodings(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** OBJECT IDENTIFIER from its dotted form. */
export function derObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...arcs]) {
    const groups = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift((rest % 128) + 128);
    octets.push(...groups);
  }
  return derElement(0x06, Uint8Array.from(octets));
}

/** ASCII text under a string tag. */
export function derAscii(tag: number, text: string): Uint8Array {
  return derElement(
    tag,
    Uint8Array.from(text, (character) => character.charCodeAt(0)),
  );
}
