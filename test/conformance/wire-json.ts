/** Hex of either case to bytes; anything else is the vector's mistake. */
export function unhex(text: unknown, field: string): Uint8Array {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) throw new Error(`${field} is not hex`);
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Enum names that are compared in the presentation language's spelling. */
const ENUM_FIELDS = new Set(["origin", "status"]);

/**
 * A decoded struct as the vectors write it: field names of the presentation language, bytes as lower-case hex, integers as
 * numbers (decimal strings from 2^53), absent optionals as null.
 */
export function toWireJson(value: unknown, field = ""): unknown {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "bigint") return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (typeof value === "string") return ENUM_FIELDS.has(field) ? snake(value) : value;
  if (Array.isArray(value)) return value.map((item: unknown) => toWireJson(item));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [snake(name), toWireJson(item, name)]));
  return value;
}

const UINT64_FIELDS = new Set(["addedAt", "notBefore", "notAfter", "revokedAt", "expiresAt", "position"]);
const BYTE_FIELDS = new Set([
  "logId",
  "spkiHash",
  "approverSpki",
  "signature",
  "oldSpki",
  "newSpkiHash",
  "tbsCertificateHash",
  "previousHash",
  "policyDigest",
  "root",
]);

/** The inverse of {@link toWireJson}, for the structs of design section 4. */
export function fromWireJson(value: unknown, field = ""): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((item: unknown) => fromWireJson(item));
  if (typeof value === "object")
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [camel(name), fromWireJson(item, camel(name))]),
    );
  if (UINT64_FIELDS.has(field) && (typeof value === "number" || typeof value === "string")) return BigInt(value);
  if (BYTE_FIELDS.has(field)) return unhex(value, field);
  if (ENUM_FIELDS.has(field) && typeof value === "string") return camel(value);
  return value;
}

/** Members of an object that the format does not define: a typo must not turn a check off. */
export function refuseUnknown(value: object, allowed: readonly string[], where: string): void {
  for (const name of Object.keys(value))
    if (!allowed.includes(name)) throw new Error(`${where}: unknown member ${name}`);
}

/** JSON equality that ignores the order of members. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
