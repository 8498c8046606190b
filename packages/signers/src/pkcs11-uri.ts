import { SignerError } from "./signer.js";

/** Path attributes of RFC 7512 that name the token. */
export interface TokenAttributes {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly serial?: string;
  readonly model?: string;
  readonly slotId?: number;
  readonly slotDescription?: string;
  readonly slotManufacturer?: string;
  readonly libraryManufacturer?: string;
  readonly libraryDescription?: string;
  readonly libraryVersion?: string;
}

/** A parsed `pkcs11:` URI (RFC 7512, "PKCS #11 URI Scheme Definition"). */
export interface Pkcs11Uri extends TokenAttributes {
  /** Label of the object (CKA_LABEL). */
  readonly object?: string;
  readonly type?: "cert" | "data" | "private" | "public" | "secret-key";
  /** CKA_ID. */
  readonly id?: Uint8Array;
  /** Absolute path of a file whose first line is the PIN. */
  readonly pinFile?: string;
  readonly pinValue?: string;
  readonly modulePath?: string;
  readonly moduleName?: string;
}

type TextAttribute = Exclude<keyof Pkcs11Uri, "id" | "type" | "slotId">;

const PATH_TEXT: Readonly<Record<string, TextAttribute>> = {
  token: "token",
  manufacturer: "manufacturer",
  serial: "serial",
  model: "model",
  object: "object",
  "slot-description": "slotDescription",
  "slot-manufacturer": "slotManufacturer",
  "library-manufacturer": "libraryManufacturer",
  "library-description": "libraryDescription",
  "library-version": "libraryVersion",
};
const TYPES = ["cert", "data", "private", "public", "secret-key"] as const;
/** Characters that stand for themselves in an attribute's value; `&` in the path only, `/` `?` `|` in the query only. */
const COMMON = "A-Za-z0-9\\-._~:\\[\\]@!$'()*+,=";
const PATH_VALUE = new RegExp(`^(?:[${COMMON}&]|%[0-9A-Fa-f]{2})*$`);
const QUERY_VALUE = new RegExp(`^(?:[${COMMON}/?|]|%[0-9A-Fa-f]{2})*$`);

function invalid(path: string, message: string, section = "PKCS #11 URI Scheme Definition"): SignerError {
  return new SignerError("uri-invalid", `${path === "" ? "" : `${path}: `}${message}`, { path, section });
}

function octets(value: string): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < value.length; at++) {
    if (value[at] === "%") {
      out.push(Number.parseInt(value.slice(at + 1, at + 3), 16));
      at += 2;
    } else out.push(value.charCodeAt(at));
  }
  return Uint8Array.from(out);
}

function text(name: string, value: string): string {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets(value));
    if (decoded.includes("\0")) throw invalid(name, "holds a NUL character");
    return decoded;
  } catch (error) {
    if (error instanceof SignerError) throw error;
    throw invalid(name, "is not UTF-8 after percent-decoding");
  }
}

function splitAttributes(part: string, separator: string, value: RegExp): [name: string, value: string][] {
  if (part === "") return [];
  return part.split(separator).map((attribute) => {
    const at = attribute.indexOf("=");
    if (at <= 0) throw invalid(attribute, "is not of the form name=value");
    const name = attribute.slice(0, at);
    if (!value.test(attribute.slice(at + 1))) throw invalid(name, "has characters that must be percent-encoded");
    return [name, attribute.slice(at + 1)];
  });
}

function pathAttribute(name: string, value: string): Partial<Pkcs11Uri> {
  const known = Object.hasOwn(PATH_TEXT, name) ? PATH_TEXT[name] : undefined;
  if (known !== undefined) return { [known]: text(name, value) };
  switch (name) {
    case "id":
      return { id: octets(value) };
    case "slot-id":
      if (!/^\d{1,10}$/.test(value)) throw invalid(name, "is not a decimal number");
      return { slotId: Number(value) };
    case "type": {
      const type = TYPES.find((one) => one === value);
      if (type === undefined) throw invalid(name, `is none of ${TYPES.join(", ")}`);
      return { type };
    }
    default:
      throw invalid(name, "is not known, and so matches nothing", "PKCS #11 URI Matching Guidelines");
  }
}

function pinFile(value: string): string {
  const source = text("pin-source", value);
  if (source.startsWith("|")) throw invalid("pin-source", "commands are not run; name a file");
  if (source.startsWith("/")) return source;
  const local = /^file:(?:\/\/(?:localhost)?)?(\/(?!\/).*)$/.exec(source)?.[1];
  if (local === undefined) throw invalid("pin-source", "must be an absolute path or a file: URI");
  try {
    return decodeURIComponent(local);
  } catch {
    throw invalid("pin-source", "has a malformed escape");
  }
}

function queryAttribute(name: string, value: string): Partial<Pkcs11Uri> {
  switch (name) {
    case "pin-source":
      return { pinFile: pinFile(value) };
    case "pin-value":
      return { pinValue: text(name, value) };
    case "module-path": {
      const modulePath = text(name, value);
      if (!modulePath.startsWith("/")) throw invalid(name, "must be an absolute path");
      return { modulePath };
    }
    case "module-name": {
      const moduleName = text(name, value);
      if (!/^[A-Za-z0-9._+-]+$/.test(moduleName)) throw invalid(name, "must be a name without a path");
      return { moduleName };
    }
    default:
      return {}; // unknown query attributes are ignored
  }
}

/**
 * Parses a `pkcs11:` URI, strictly: duplicate and unknown path attributes, stray characters, and two sources of a PIN
 * are errors; unknown query attributes are ignored, as the RFC says.
 *
 * @throws SignerError `uri-invalid`, with the attribute as `path`
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const scheme = /^pkcs11:/i.exec(uri)?.[0];
  if (scheme === undefined) throw invalid("", "this is no pkcs11: URI");
  const rest = uri.slice(scheme.length);
  const mark = rest.indexOf("?");
  const path = mark < 0 ? rest : rest.slice(0, mark);
  const query = mark < 0 ? "" : rest.slice(mark + 1);
  const seen = new Set<string>();
  let parsed: Pkcs11Uri = {};
  const take = (name: string, found: Partial<Pkcs11Uri>): void => {
    if (seen.has(name)) throw invalid(name, "is there twice");
    seen.add(name);
    parsed = { ...parsed, ...found };
  };
  for (const [name, value] of splitAttributes(path, ";", PATH_VALUE)) take(name, pathAttribute(name, value));
  for (const [name, value] of splitAttributes(query, "&", QUERY_VALUE)) {
    const found = queryAttribute(name, value);
    if (Object.keys(found).length > 0) take(name, found);
  }
  if (parsed.pinFile !== undefined && parsed.pinValue !== undefined)
    throw invalid(
      "pin-value",
      "stands beside pin-source; give one of them",
      "PKCS #11 URI Scheme Query Attribute Semantics",
    );
  return parsed;
}

function escape(value: string | Uint8Array): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (typeof value === "string" && /[A-Za-z0-9\-._~:]/.test(character)) return character;
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** The URI of an object, or of the token when neither label nor id is given; never with a PIN. */
export function formatPkcs11Uri(uri: Pick<Pkcs11Uri, "token" | "serial" | "object" | "id" | "type">): string {
  const parts = [
    ...(uri.token === undefined ? [] : [`token=${escape(uri.token)}`]),
    ...(uri.serial === undefined ? [] : [`serial=${escape(uri.serial)}`]),
    ...(uri.object === undefined ? [] : [`object=${escape(uri.object)}`]),
    ...(uri.id === undefined ? [] : [`id=${escape(uri.id)}`]),
    ...(uri.type === undefined ? [] : [`type=${uri.type}`]),
  ];
  return `pkcs11:${parts.join(";")}`;
}
