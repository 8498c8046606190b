import { CertificateError, readingField } from "./certificate-error.js";
import {
  childrenOf,
  contentOf,
  type DerElement,
  DerReader,
  derError,
  encodingOf,
  enter,
  readElement,
  Tag,
} from "./der.js";
import { readIa5, readOid } from "./der-values.js";
import { type Name, readName } from "./distinguished-name.js";

/** A GeneralName (RFC 5280, "Subject Alternative Name"). */
export type GeneralName =
  | { readonly type: "email" | "dns" | "uri"; readonly value: string }
  | { readonly type: "ip"; readonly value: Uint8Array }
  | { readonly type: "directory"; readonly value: Name }
  | { readonly type: "registeredId"; readonly value: string }
  | { readonly type: "other"; readonly oid: string; readonly value: Uint8Array }
  | { readonly type: "x400" | "edi"; readonly value: Uint8Array };

/** Reads a GeneralName; an iPAddress may have any length here, its user judges it. */
export function readGeneralName(element: DerElement): GeneralName {
  switch (element.tag) {
    case 0xa0: {
      const reader = new DerReader(element);
      const oid = readOid(reader.expect(Tag.oid, "type-id"));
      const value = reader.expect(0xa0, "otherName value");
      reader.finish("otherName");
      return { type: "other", oid, value: encodingOf(onlyChild(value)) };
    }
    case 0x81:
      return { type: "email", value: readIa5(element) };
    case 0x82:
      return { type: "dns", value: readIa5(element) };
    case 0xa3:
      return { type: "x400", value: encodingOf(element) };
    case 0xa4:
      return { type: "directory", value: readName(onlyChild(element)) };
    case 0xa5:
      return { type: "edi", value: encodingOf(element) };
    case 0x86:
      return { type: "uri", value: readIa5(element) };
    case 0x87:
      return { type: "ip", value: contentOf(element) };
    case 0x88:
      return { type: "registeredId", value: readOid(element, 0x88) };
    default:
      throw derError(`GeneralName with tag ${element.tag}`, element.start);
  }
}

/** GeneralNames: SEQUENCE SIZE (1..MAX) OF GeneralName; `tag` when implicitly tagged. */
export function readGeneralNames(element: DerElement, tag: number = Tag.sequence): GeneralName[] {
  enter(element, tag, "GeneralNames");
  const children = childrenOf(element);
  if (children.length === 0)
    throw new CertificateError(
      "malformed-extension",
      "RFC 5280, Subject Alternative Name",
      "empty GeneralNames",
      element.start,
    );
  return children.map((child, index) => readingField(`[${index}]`, () => readGeneralName(child)));
}

function onlyChild(element: DerElement): DerElement {
  const child = readElement(contentOf(element));
  return child;
}

/** Labels of letters, digits and inner hyphens, the last not all digits. */
const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** True for a host name in the preferred syntax (RFC 1034, "Preferred name syntax"; RFC 1123): no address, no trailing dot. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && HOST_NAME.test(text);
}

/** A host name whose first label may be `*`, as certificates for servers have (RFC 9525, "DNS-ID"). */
export function isPresentedHostName(text: string): boolean {
  return isHostName(text) || (text.startsWith("*.") && isHostName(text.slice(2)));
}

/** A Mailbox, taken apart. */
export interface Mailbox {
  /** The local part without quotes and escapes: `"joe"` and `joe` are one. */
  readonly local: string;
  /** Lower case; an address in brackets, or a host name. */
  readonly host: string;
}

const MAX_LOCAL_LENGTH = 64;
const MAX_MAILBOX_LENGTH = MAX_LOCAL_LENGTH + 1 + 255;
const QUOTED = /^"((?:[^"\\\r\n]|\\[ -~])*)"@([^@]+)$/;
const PLAIN = /^([A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*)@([^@]+)$/;

/** Takes a Mailbox of RFC 2821, "Command Argument Syntax", apart; undefined for anything else. */
export function splitMailbox(text: string): Mailbox | undefined {
  if (text.length > MAX_MAILBOX_LENGTH || text.lastIndexOf("@") > MAX_LOCAL_LENGTH) return undefined;
  const quoted = QUOTED.exec(text);
  const [, local, host] = quoted ?? PLAIN.exec(text) ?? [];
  if (local === undefined || host === undefined) return undefined;
  if (!isHostName(host) && !isAddressLiteral(host)) return undefined;
  return { local: quoted === null ? local : local.replaceAll(/\\(.)/g, "$1"), host: host.toLowerCase() };
}

/** An address in brackets, as a Mailbox has it. */
function isAddressLiteral(host: string): boolean {
  const [, ipv4, ipv6] = /^\[(?:([\d.]+)|IPv6:([0-9a-f:.]+))\]$/i.exec(host) ?? [];
  return isAddress(ipv4 ?? `[${ipv6 ?? ""}]`);
}

/** Longest URI that is read, in characters; RFC 3986 sets no bound. */
const MAX_URI_LENGTH = 65_535;
/** Scheme, authority, path, query and fragment (RFC 3986, "Parsing a URI Reference with a Regular Expression"). */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;
const AUTHORITY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:%]*@)?(\[[0-9A-Fa-f:.]*\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::\d*)?$/;
const CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*$/;

/** An absolute URI (RFC 3986) with a part behind its scheme; undefined for anything else. */
export function parseUri(text: string): { readonly host: string | undefined } | undefined {
  if (text.length > MAX_URI_LENGTH || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const nothingBehindScheme = text.indexOf(":") === text.length - 1;
  const parts = URI.exec(text);
  if (parts === null || nothingBehindScheme) return undefined;
  const [, authority, path = "", query = "", fragment = ""] = parts;
  if (!CHARACTERS.test(path) || !CHARACTERS.test(query) || !CHARACTERS.test(fragment)) return undefined;
  if (authority === undefined) return { host: undefined };
  const host = AUTHORITY.exec(authority)?.[1];
  return host === undefined ? undefined : { host: host.toLowerCase() };
}

const IPV4 = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** An address as a URI has it: four numbers, or an IPv6 address in brackets (RFC 3986, "Host"). */
export function isAddress(host: string): boolean {
  if (!host.startsWith("[")) return IPV4.test(host);
  if (!host.endsWith("]")) return false;
  const [before = "", after, ...more] = host.slice(1, -1).split("::");
  if (more.length > 0) return false;
  const groups = [before, after ?? ""].flatMap((side) => (side === "" ? [] : side.split(":")));
  // The last two groups may be written as an IPv4 address.
  const isMixed = IPV4.test((after ?? before).split(":").at(-1) ?? "");
  if (!(isMixed ? groups.slice(0, -1) : groups).every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = groups.length + (isMixed ? 1 : 0);
  return after === undefined ? count === 8 : count < 8;
}
