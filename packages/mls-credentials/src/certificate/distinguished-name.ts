import { CertificateError, readingField } from "./certificate-error.js";
import { childrenOf, contentOf, type DerElement, derError, encodingOf, enter, Tag } from "./der.js";
import { bytesToHex, octetsToText, readOid } from "./der-values.js";
import { RepeatedReading } from "./repeated-reading.js";
import { prepareString } from "./string-preparation.js";

/** One AttributeTypeAndValue. */
export interface NameAttribute {
  /** Dotted OID of the attribute type. */
  readonly type: string;
  /** The value as text when it is a string type; undefined for other types. */
  readonly text: string | undefined;
  /** Normal form: equal keys are equal attributes (RFC 5280, "Issuer"; RFC 4518). */
  readonly key: string;
}

/** A distinguished name with its comparison form. */
export interface Name {
  readonly der: Uint8Array;
  /** Relative names from the root down; the attributes of each as encoded. */
  readonly rdns: readonly (readonly NameAttribute[])[];
  /** Normal form of each relative name. */
  readonly rdnKeys: readonly string[];
  /** Normal form of the whole name: names are equal when their keys are. */
  readonly key: string;
  readonly isEmpty: boolean;
}

export const EMAIL_ADDRESS_OID = "1.2.840.113549.1.9.1";

const repeated = new RepeatedReading<Name>();

/** Reads a Name (an RDNSequence). */
export function readName(element: DerElement): Name {
  return repeated.read(element, readRdnSequence);
}

function readRdnSequence(element: DerElement): Name {
  const rdns = childrenOf(checkTag(element, Tag.sequence, "Name")).map((rdn, index) =>
    readingField(`[${index}]`, () => readRelativeName(rdn)),
  );
  return nameOf(encodingOf(element), rdns);
}

/** A name one level below `base`: a distribution point's nameRelativeToCRLIssuer. */
export function extendName(base: Name, relative: readonly NameAttribute[]): Name {
  return nameOf(new Uint8Array(0), [...base.rdns, relative]);
}

/** Reads a RelativeDistinguishedName; `tag` when it is implicitly tagged. */
export function readRelativeName(element: DerElement, tag: number = Tag.set): NameAttribute[] {
  const children = childrenOf(checkTag(element, tag, "RelativeDistinguishedName"));
  if (children.length === 0)
    throw new CertificateError("malformed-der", "RFC 5280, Issuer", "empty RelativeDistinguishedName", element.start);
  for (let index = 1; index < children.length; index += 1)
    if (compareBytes(encodingOf(childAt(children, index - 1)), encodingOf(childAt(children, index))) >= 0)
      throw derError("SET OF not in ascending order", element.start);
  return children.map(readAttribute);
}

/** True when `name` lies in the subtree of `base`: `base` is a prefix of it. */
export function isWithin(name: Name, base: Name): boolean {
  return base.rdnKeys.length <= name.rdnKeys.length && base.rdnKeys.every((key, index) => key === name.rdnKeys[index]);
}

function nameOf(der: Uint8Array, rdns: (readonly NameAttribute[])[]): Name {
  const rdnKeys = rdns.map((rdn) =>
    rdn
      .map(({ key }) => key)
      .sort()
      .join("+"),
  );
  return { der, rdns, rdnKeys, key: rdnKeys.join(","), isEmpty: rdns.length === 0 };
}

function readAttribute(element: DerElement): NameAttribute {
  const reader = enter(element, Tag.sequence, "AttributeTypeAndValue");
  const type = readOid(reader.expect(Tag.oid, "AttributeType"));
  const value = reader.any();
  reader.finish("AttributeTypeAndValue");
  const text = readText(value);
  const prepared = text === undefined ? undefined : prepareString(text);
  // The key is injective: a tag, then the text with its separators escaped, or the raw bytes.
  const key =
    prepared === undefined
      ? `${type}#${bytesToHex(encodingOf(value))}`
      : `${type}=${prepared.replace(/[\\,+]/g, "\\$&")}`;
  return { type, text, key };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** Text of a DirectoryString, IA5String or NumericString; undefined for any other type. */
function readText(element: DerElement): string | undefined {
  const content = contentOf(element);
  switch (element.tag) {
    case Tag.utf8String:
      try {
        return utf8.decode(content);
      } catch {
        throw derError("not UTF-8", element.start);
      }
    case Tag.printableString: {
      const text = octetsToText(content);
      // "*", "@", "_" and "&" are outside the alphabet but met in real names; they compare as themselves.
      if (!PRINTABLE.test(text.replace(/[*@&_]/g, ""))) throw derError("not a PrintableString", element.start);
      return text;
    }
    case Tag.numericString: {
      const text = octetsToText(content);
      if (!/^[0-9 ]*$/.test(text)) throw derError("not a NumericString", element.start);
      return text;
    }
    case Tag.ia5String:
    case Tag.visibleString: {
      if (content.some((octet) => octet > 0x7f)) throw derError("not an IA5String", element.start);
      return octetsToText(content);
    }
    case Tag.teletexString:
      return octetsToText(content);
    case Tag.bmpString:
      return codeUnits(element, content, 2);
    case Tag.universalString:
      return codeUnits(element, content, 4);
    default:
      return undefined;
  }
}

function codeUnits(element: DerElement, bytes: Uint8Array, width: 2 | 4): string {
  if (bytes.length % width !== 0) throw derError("string of partial characters", element.start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += width) {
    const unit = width === 2 ? view.getUint16(offset) : view.getUint32(offset);
    if (unit > 0x10ffff || (unit >= 0xd800 && unit <= 0xdfff)) throw derError("not a character", element.start);
    text += String.fromCodePoint(unit);
  }
  return text;
}

function checkTag(element: DerElement, tag: number, what: string): DerElement {
  if (element.tag !== tag) throw derError(`${what}: expected tag ${tag}, found ${element.tag}`, element.start);
  return element;
}

function childAt(children: readonly DerElement[], index: number): DerElement {
  const child = children[index];
  if (child === undefined) throw derError("missing element", 0);
  return child;
}

/** Lexicographic order of octet strings; a proper prefix comes first. */
function compareBytes(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
