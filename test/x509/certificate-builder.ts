import { createHash } from "node:crypto";
import {
  ascii,
  bitString,
  boolean,
  bytes,
  concat,
  element,
  explicit,
  hex,
  integer,
  integerContent,
  namedBits,
  namedBitsContent,
  octetString,
  oid,
  oidContent,
  sequence,
  setOf,
  time,
  utf8,
} from "./der-writer.js";
import type { TestKey } from "./signing-keys.js";

/** An issuer: its name, key and certificate. */
export interface Authority {
  readonly name: Uint8Array;
  readonly key: TestKey;
  readonly der: Uint8Array;
}

export const keyId = ({ spki }: TestKey): Uint8Array =>
  Uint8Array.from(createHash("sha256").update(spki).digest().subarray(0, 20));

const ATTRIBUTES: Record<string, string> = {
  CN: "2.5.4.3",
  C: "2.5.4.6",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  L: "2.5.4.7",
  E: "1.2.840.113549.1.9.1",
  DC: "0.9.2342.19200300.100.1.25",
};
export type StringType = "utf8" | "printable" | "ia5" | "teletex" | "bmp" | "universal";
const STRING_TAGS: Record<StringType, number> = {
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  teletex: 0x14,
  bmp: 0x1e,
  universal: 0x1c,
};

function text(value: string, type: StringType): Uint8Array {
  if (type === "utf8") return utf8(value);
  if (type === "bmp")
    return Uint8Array.from(
      Array.from(value).flatMap((letter) => [letter.charCodeAt(0) >> 8, letter.charCodeAt(0) & 0xff]),
    );
  if (type === "universal")
    return Uint8Array.from(
      Array.from(value).flatMap((letter) => [0, 0, letter.charCodeAt(0) >> 8, letter.charCodeAt(0) & 0xff]),
    );
  return ascii(value);
}

export const attribute = (kind: string, value: string, type: StringType = "utf8"): Uint8Array =>
  sequence(oid(ATTRIBUTES[kind] ?? kind), element(STRING_TAGS[type], text(value, type)));
/** A name of single-valued RDNs: `name(["O", "x"], ["CN", "y", "printable"])`. */
export const name = (...parts: readonly (readonly [string, string, StringType?])[]): Uint8Array =>
  sequence(...parts.map(([kind, value, type]) => setOf(attribute(kind, value, type))));

export const uri = (value: string): Uint8Array => element(0x86, utf8(value));
export const dns = (value: string): Uint8Array => element(0x82, utf8(value));
export const email = (value: string): Uint8Array => element(0x81, utf8(value));
export const ip = (...octets: readonly number[]): Uint8Array => element(0x87, Uint8Array.from(octets));
export const directory = (der: Uint8Array): Uint8Array => element(0xa4, der);
export const otherName = (type: string, value: Uint8Array): Uint8Array => element(0xa0, oid(type), explicit(0, value));
export const registeredId = (value: string): Uint8Array => element(0x88, oidContent(value));

export const extension = (id: string, critical: boolean, ...value: readonly Uint8Array[]): Uint8Array =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(...value));

const KEY_USAGES = [
  "digitalSignature",
  "contentCommitment",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
];
export const subjectKeyIdentifier = (key: TestKey, critical = false) =>
  extension("2.5.29.14", critical, octetString(keyId(key)));
export const authorityKeyIdentifier = (key: TestKey, critical = false) =>
  extension("2.5.29.35", critical, sequence(element(0x80, keyId(key))));
export const keyUsage = (usages: readonly string[], critical = true) =>
  extension("2.5.29.15", critical, namedBits(...usages.map((usage) => KEY_USAGES.indexOf(usage))));
export const basicConstraints = (ca: boolean, pathLength?: number, critical = true) =>
  extension(
    "2.5.29.19",
    critical,
    sequence(...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])),
  );
export const subjectAltName = (names: readonly Uint8Array[], critical = true) =>
  extension("2.5.29.17", critical, sequence(...names));
export const extendedKeyUsage = (purposes: readonly string[], critical = false) =>
  extension("2.5.29.37", critical, sequence(...purposes.map(oid)));
const subtrees = (number: number, bases: readonly Uint8Array[]) =>
  bases.length === 0 ? [] : [explicit(number, ...bases.map((base) => sequence(base)))];
export const nameConstraints = (
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[] = [],
  critical = true,
) => extension("2.5.29.30", critical, sequence(...subtrees(0, permitted), ...subtrees(1, excluded)));
export const certificatePolicies = (...policies: readonly string[]) =>
  extension("2.5.29.32", false, sequence(...policies.map((policy) => sequence(oid(policy)))));
export const policyMappings = (...pairs: readonly (readonly [string, string])[]) =>
  extension("2.5.29.33", true, sequence(...pairs.map(([issuer, subject]) => sequence(oid(issuer), oid(subject)))));
export const policyConstraints = (requireExplicit?: number, inhibitMapping?: number, critical = true) =>
  extension(
    "2.5.29.36",
    critical,
    sequence(
      ...(requireExplicit === undefined ? [] : [element(0x80, integerContent(BigInt(requireExplicit)))]),
      ...(inhibitMapping === undefined ? [] : [element(0x81, integerContent(BigInt(inhibitMapping)))]),
    ),
  );
export const inhibitAnyPolicy = (skip: number, critical = true) => extension("2.5.29.54", critical, integer(skip));

export interface PointOptions {
  readonly names?: readonly Uint8Array[];
  readonly relative?: Uint8Array;
  readonly reasons?: readonly number[];
  readonly crlIssuer?: Uint8Array;
  /** Names of the CRL issuer of any type, instead of its directory name alone. */
  readonly crlIssuerNames?: readonly Uint8Array[];
}
export const pointName = ({ names, relative }: PointOptions): Uint8Array[] =>
  names !== undefined
    ? [explicit(0, explicit(0, ...names))]
    : relative !== undefined
      ? [explicit(0, element(0xa1, relative))]
      : [];
export const issuerAltName = (names: readonly Uint8Array[]) => extension("2.5.29.18", false, sequence(...names));
export const crlDistributionPoints = (...points: readonly PointOptions[]) =>
  extension(
    "2.5.29.31",
    false,
    sequence(
      ...points.map((point) =>
        sequence(
          ...pointName(point),
          ...(point.reasons === undefined ? [] : [element(0x81, namedBitsContent(...point.reasons))]),
          ...(point.crlIssuer === undefined ? [] : [explicit(2, directory(point.crlIssuer))]),
          ...(point.crlIssuerNames === undefined ? [] : [explicit(2, ...point.crlIssuerNames)]),
        ),
      ),
    ),
  );
export const authorityInfoAccess = (critical = false) =>
  extension(
    "1.3.6.1.5.5.7.1.1",
    critical,
    sequence(
      sequence(oid("1.3.6.1.5.5.7.48.2"), uri("http://as.mls.example/ca/1.cer")),
      sequence(oid("1.3.6.1.5.5.7.48.1"), uri("http://as.mls.example/ocsp")),
    ),
  );
export const logId = () => extension("1.3.6.1.4.1.32473.9750.1", false, octetString(new Uint8Array(32).fill(7)));

/** Everything in a certificate that a case may want otherwise. */
export interface CertificateOptions {
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subjectKey: TestKey;
  readonly signer: TestKey;
  readonly extensions: readonly Uint8Array[];
  readonly serial?: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  /** Content of the version field; `null` leaves it out. */
  readonly version?: Uint8Array | null;
  readonly innerAlgorithm?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly uniqueIds?: readonly Uint8Array[];
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  readonly tbs?: (tbs: Uint8Array) => Uint8Array;
  readonly encode?: (...parts: Uint8Array[]) => Uint8Array;
}

export const NOT_BEFORE = "2026-01-01T00:00:00Z";
export const NOT_AFTER = "2027-01-01T00:00:00Z";

let counter = 0;
/** Starts serial numbers anew, so that generating twice gives the same bytes. */
export function resetSerials(): void {
  counter = 0;
}
export function nextSerial(): Uint8Array {
  counter += 1;
  const digest = createHash("sha256").update(`serial ${counter}`).digest();
  return element(2, concat(bytes(0x40 | ((digest[0] ?? 0) & 0x3f)), digest.subarray(1, 16)));
}

export function certificate(options: CertificateOptions): Uint8Array {
  const algorithm = options.signer.algorithm;
  const version = options.version === null ? [] : [explicit(0, options.version ?? integer(2))];
  const fields = sequence(
    ...version,
    options.serial ?? nextSerial(),
    options.innerAlgorithm ?? algorithm,
    options.issuer,
    sequence(options.notBefore ?? time(NOT_BEFORE), options.notAfter ?? time(NOT_AFTER)),
    options.subject,
    options.subjectKey.spki,
    ...(options.uniqueIds ?? []),
    ...(options.extensions.length === 0 ? [] : [explicit(3, sequence(...options.extensions))]),
  );
  const tbs = options.tbs?.(fields) ?? fields;
  const signature = options.signer.sign(tbs);
  return (options.encode ?? sequence)(
    tbs,
    options.outerAlgorithm ?? options.innerAlgorithm ?? algorithm,
    bitString(options.signature?.(signature) ?? signature),
  );
}

export interface CrlOptions {
  readonly issuer: Authority;
  readonly number?: number;
  readonly base?: number;
  readonly thisUpdate?: string;
  readonly nextUpdate?: string | null;
  readonly entries?: readonly {
    serial: Uint8Array;
    reason?: number;
    date?: string;
    issuer?: Uint8Array;
    extra?: Uint8Array;
  }[];
  readonly point?: PointOptions & { user?: boolean; ca?: boolean; attribute?: boolean; indirect?: boolean };
  readonly pointCritical?: boolean;
  readonly extensions?: readonly Uint8Array[];
  readonly numberCritical?: boolean;
  readonly withoutNumber?: boolean;
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  readonly version?: Uint8Array;
}

const issuingPoint = ({
  user,
  ca,
  attribute: attributes,
  indirect,
  reasons,
  ...point
}: NonNullable<CrlOptions["point"]>): Uint8Array =>
  sequence(
    ...pointName(point),
    ...(user ? [element(0x81, bytes(0xff))] : []),
    ...(ca ? [element(0x82, bytes(0xff))] : []),
    ...(reasons === undefined ? [] : [element(0x83, namedBitsContent(...reasons))]),
    ...(indirect ? [element(0x84, bytes(0xff))] : []),
    ...(attributes ? [element(0x85, bytes(0xff))] : []),
  );

export function certificateList(options: CrlOptions): Uint8Array {
  const { key } = options.issuer;
  const entries = (options.entries ?? []).map((entry) => {
    const extensions = [
      ...(entry.reason === undefined ? [] : [extension("2.5.29.21", false, element(0x0a, bytes(entry.reason)))]),
      ...(entry.issuer === undefined ? [] : [extension("2.5.29.29", true, sequence(directory(entry.issuer)))]),
      ...(entry.extra === undefined ? [] : [entry.extra]),
    ];
    return sequence(
      entry.serial,
      time(entry.date ?? "2026-02-01T00:00:00Z"),
      ...(extensions.length === 0 ? [] : [sequence(...extensions)]),
    );
  });
  const extensions = [
    authorityKeyIdentifier(key),
    ...(options.withoutNumber === true
      ? []
      : [extension("2.5.29.20", options.numberCritical ?? false, integer(options.number ?? 10))]),
    ...(options.base === undefined ? [] : [extension("2.5.29.27", true, integer(options.base))]),
    ...(options.point === undefined
      ? []
      : [extension("2.5.29.28", options.pointCritical ?? true, issuingPoint(options.point))]),
    ...(options.extensions ?? []),
  ];
  const tbs = sequence(
    options.version ?? integer(1),
    key.algorithm,
    options.issuer.name,
    time(options.thisUpdate ?? "2026-05-01T00:00:00Z"),
    ...(options.nextUpdate === null ? [] : [time(options.nextUpdate ?? "2026-07-01T00:00:00Z")]),
    ...(entries.length === 0 ? [] : [element(0x30, Uint8Array.from(Buffer.concat(entries)))]),
    explicit(0, sequence(...extensions)),
  );
  const signature = key.sign(tbs);
  return sequence(tbs, key.algorithm, bitString(options.signature?.(signature) ?? signature));
}

const HASH_OIDS = {
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
  "sha3-256": "2.16.840.1.101.3.4.2.8",
} as const;

export interface OcspOptions {
  readonly issuer: Authority;
  readonly serial: Uint8Array;
  readonly status: "good" | "revoked" | "unknown";
  readonly signer?: Authority;
  readonly byKey?: boolean;
  readonly thisUpdate?: string;
  /** Default: as `thisUpdate`. */
  readonly producedAt?: string;
  readonly nextUpdate?: string | null;
  /** Of the whole response, and of each answer. */
  readonly extensions?: readonly Uint8Array[];
  readonly singleExtensions?: readonly Uint8Array[];
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  readonly hash?: keyof typeof HASH_OIDS;
  readonly responseStatus?: number;
  /** What the response says of the same certificate besides, after the first answer. */
  readonly more?: readonly Pick<OcspOptions, "status" | "nextUpdate">[];
}

export function ocspResponse(options: OcspOptions): Uint8Array {
  const signer = options.signer ?? options.issuer;
  const hash = (algorithm: string, content: Uint8Array) =>
    Uint8Array.from(createHash(algorithm).update(content).digest());
  const algorithm = options.hash ?? "sha1";
  const keyBits = (key: TestKey): Uint8Array => {
    // The BIT STRING is the last element of the SubjectPublicKeyInfo; only Ed25519 keys are used here.
    return key.spki.subarray(key.spki.length - 32);
  };
  const certId = sequence(
    sequence(oid(HASH_OIDS[algorithm]), hex("0500")),
    octetString(hash(algorithm, options.issuer.name)),
    octetString(hash(algorithm, keyBits(options.issuer.key))),
    options.serial,
  );
  const generalized = (value: string) =>
    element(0x18, ascii(new Date(value).toISOString().replace(/[-:T]|\.\d+/g, "")));
  const statuses = {
    good: element(0x80),
    revoked: explicit(1, generalized("2026-02-01T00:00:00Z")),
    unknown: element(0x82),
  };
  const extended = (list: readonly Uint8Array[] = []): Uint8Array[] =>
    list.length === 0 ? [] : [explicit(1, sequence(...list))];
  const singles = [options, ...(options.more ?? [])].map(({ status, nextUpdate }) =>
    sequence(
      certId,
      statuses[status],
      generalized(options.thisUpdate ?? "2026-05-01T00:00:00Z"),
      ...(nextUpdate === null ? [] : [explicit(0, generalized(nextUpdate ?? "2026-07-01T00:00:00Z"))]),
      ...extended(options.singleExtensions),
    ),
  );
  const responder =
    options.byKey === true ? explicit(2, octetString(hash("sha1", keyBits(signer.key)))) : explicit(1, signer.name);
  const produced = options.producedAt ?? options.thisUpdate ?? "2026-05-01T00:00:00Z";
  const tbs = sequence(responder, generalized(produced), sequence(...singles), ...extended(options.extensions));
  const signature = signer.key.sign(tbs);
  const certificates = options.signer === undefined ? [] : [explicit(0, sequence(options.signer.der))];
  const basic = sequence(
    tbs,
    signer.key.algorithm,
    bitString(options.signature?.(signature) ?? signature),
    ...certificates,
  );
  return sequence(
    element(0x0a, bytes(options.responseStatus ?? 0)),
    explicit(0, sequence(oid("1.3.6.1.5.5.7.48.1.1"), octetString(basic))),
  );
}
