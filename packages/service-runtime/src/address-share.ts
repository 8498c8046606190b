import { isIP } from "node:net";

/**
 * What one subscriber holds at least: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177), out of which
 * anybody can take another address for each request. IPv4 addresses written as IPv6 count as IPv4. What is no address, as
 * a proxy's own name for a caller, stays as it is.
 */
export function addressShare(address: string): string {
  const [plain = "", zone] = address.split("%", 2);
  if (isIP(plain) !== 6) return address;
  const groups = groupsOf(plain);
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(":")}::/64${zone === undefined ? "" : `%${zone}`}`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, before = "", a = 0, b = 0, c = 0, d = 0] = dotted ?? [];
  const hexadecimal =
    dotted === null
      ? address
      : `${before}${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`;
  const [head = "", tail] = hexadecimal.split("::", 2);
  const numbers = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [left, right] = [numbers(head), numbers(tail ?? "")];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}
