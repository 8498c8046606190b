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

/** Local part and host of a Mailbox in the Local-part "@" Domain form of RFC 2821; undefined for anything else. */
export function splitMailbox(text: string): { local: string; host: string } | undefined {
  const quoted = /^("(?:[^"\\\r\n]|\\[ -~])*")@([^@]+)$/.exec(text);
  const plain = /^([A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*)@([^@]+)$/.exec(text);
  const [, local, host] = quoted ?? plain ?? [];
  if (local === undefined || host === undefined || local.length > 64 || !isHostName(host)) return undefined;
  return { local, host: host.toLowerCase() };
}

/** Host of an absolute URI's authority (RFC 3986, "Authority"), lower case; undefined when it has none. */
export function uriHost(uri: string): string | undefined {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(uri)?.[1];
  if (authority === undefined) return undefined;
  const hostPort = authority.slice(authority.lastIndexOf("@") + 1);
  const host = hostPort.replace(/:\d*$/, "");
  return host === "" ? undefined : host.toLowerCase();
}

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;

/** True for an absolute URI in the alphabet of RFC 3986 with a scheme-specific part. */
export function isAbsoluteUri(text: string): boolean {
  return URI.test(text);
}
