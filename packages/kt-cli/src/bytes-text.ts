import { fromBase64Url, toBase64Url } from "@mls-as/mls-credentials";
import { Failure } from "./failure.js";

export { toBase64Url };

/** @throws Failure file-malformed */
export function base64UrlBytes(value: unknown, path: string): Uint8Array {
  const bytes = typeof value === "string" ? fromBase64Url(value) : undefined;
  if (bytes === undefined) throw new Failure("file-malformed", `${path} is not base64url`, { path });
  return bytes;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The first half of a hash, in groups: enough to compare by eye. */
export const shortHex = (bytes: Uint8Array): string => hex(bytes.subarray(0, 8)).replace(/(.{4})(?=.)/g, "$1 ");

/** All of it, in groups of four. */
export const fingerprintText = (bytes: Uint8Array): string => hex(bytes).replace(/(.{4})(?=.)/g, "$1 ");

/** The label as people wrote it; hexadecimal where it is not UTF-8. */
export function labelText(label: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(label);
  } catch {
    return `hex:${hex(label)}`;
  }
}

/** `hex:…` for labels that are not text. @throws Failure usage */
export function labelBytes(text: string): Uint8Array {
  const bytes = /^hex:([0-9a-f]{2})*$/i.test(text) ? new Uint8Array(Buffer.from(text.slice(4), "hex")) : utf8(text);
  if (bytes.length === 0 || bytes.length > 255)
    throw new Failure("usage", "a label has 1 to 255 octets", { path: text });
  return bytes;
}
