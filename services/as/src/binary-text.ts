/** Base64url without padding (RFC 4648, "Base 64 Encoding with URL and Filename Safe Alphabet"). */
export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/** Decodes canonical base64url without padding; anything else is `undefined`. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  // Node ignores stray trailing bits: only the one canonical spelling is accepted.
  return bytes.toString("base64url") === text ? new Uint8Array(bytes) : undefined;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Decodes lower-case hexadecimal; the caller has checked the alphabet. */
export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** UTF-8 octets of a string. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
