const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** A string that is equal for equal byte strings only, for use as a map key; lower-case hex. */
export function bytesKey(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += OCTETS[octet];
  return text;
}
