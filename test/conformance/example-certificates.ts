import { createHash } from "node:crypto";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  derAscii,
  derElement,
  derObjectIdentifier,
  derSequence,
} from "../../packages/mls-credentials/src/client/der-writer.js";
import { DAY, digest, type ExampleKey, exampleKey, LOG_ID, START } from "./example-devices.js";

const ED25519 = derSequence(derObjectIdentifier("1.3.101.112"));
const bool = Uint8Array.of(0x01, 0x01, 0xff);
const octets = (bytes: Uint8Array): Uint8Array => derElement(0x04, bytes);
const keyIdentifier = (key: ExampleKey): Uint8Array =>
  new Uint8Array(createHash("sha256").update(key.publicKey).digest().subarray(0, 20));

const nameOf = (commonName: string | undefined): Uint8Array =>
  commonName === undefined
    ? derSequence()
    : derSequence(derElement(0x31, derSequence(derObjectIdentifier("2.5.4.3"), derAscii(0x0c, commonName))));

function time(seconds: number): Uint8Array {
  const text = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, "");
  return seconds < 2_524_608_000 ? derAscii(0x17, text.slice(2)) : derAscii(0x18, text);
}

const extension = (oid: string, critical: boolean, value: Uint8Array): Uint8Array =>
  derSequence(derObjectIdentifier(oid), ...(critical ? [bool] : []), octets(value));

const bits = (unused: number, octet: number): Uint8Array => derElement(0x03, Uint8Array.of(unused, octet));

interface CertificateOf {
  readonly serial: string;
  readonly issuer: { readonly name: string; readonly key: ExampleKey };
  readonly subject?: string;
  readonly key: ExampleKey;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Uint8Array[];
}

function serialNumber(name: string): Uint8Array {
  const serial = digest(`serial ${name}`).slice(0, 16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return serial;
}

export interface CrlOf {
  readonly issuer: ExampleCa;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serials of `LeafOf`, with the time of revocation. */
  readonly revoked?: readonly (readonly [string, number])[];
}

/** A complete CRL of an authority. */
export async function exampleCrl({ issuer, number, thisUpdate, nextUpdate, revoked = [] }: CrlOf): Promise<Uint8Array> {
  const entries = revoked.map(([serial, at]) => derSequence(derElement(0x02, serialNumber(serial)), time(at)));
  const tbs = derSequence(
    derElement(0x02, Uint8Array.of(1)),
    ED25519,
    nameOf(issuer.name),
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length === 0 ? [] : [derSequence(...entries)]),
    derElement(
      0xa0,
      derSequence(aki(issuer.key), extension("2.5.29.20", false, derElement(0x02, Uint8Array.of(number)))),
    ),
  );
  const signature = await nodeProvider.sign(0x0807, issuer.key.privateKey, tbs);
  return derSequence(tbs, ED25519, derElement(0x03, Uint8Array.of(0), signature));
}

/** A certificate that is the same in every run: fixed serials, Ed25519. */
export async function certificateOf(input: CertificateOf): Promise<Uint8Array> {
  const serial = serialNumber(input.serial);
  const tbs = derSequence(
    derElement(0xa0, derElement(0x02, Uint8Array.of(2))),
    derElement(0x02, serial),
    ED25519,
    nameOf(input.issuer.name),
    derSequence(time(input.notBefore), time(input.notAfter)),
    nameOf(input.subject),
    input.key.spki,
    derElement(0xa3, derSequence(...input.extensions)),
  );
  const signature = await nodeProvider.sign(0x0807, input.issuer.key.privateKey, tbs);
  return derSequence(tbs, ED25519, derElement(0x03, Uint8Array.of(0), signature));
}

const ski = (key: ExampleKey): Uint8Array => extension("2.5.29.14", false, octets(keyIdentifier(key)));
const aki = (key: ExampleKey): Uint8Array =>
  extension("2.5.29.35", false, derSequence(derElement(0x80, keyIdentifier(key))));

/** A certification authority of the examples. */
export interface ExampleCa {
  readonly name: string;
  readonly key: ExampleKey;
  readonly certificate: Uint8Array;
}

export async function exampleRoot(name = "Example Root"): Promise<ExampleCa> {
  const key = exampleKey(name);
  const certificate = await certificateOf({
    serial: name,
    issuer: { name, key },
    subject: name,
    key,
    notBefore: START - 30 * DAY,
    notAfter: START + 7300 * DAY,
    extensions: [
      ski(key),
      extension("2.5.29.19", true, derSequence(bool)),
      extension("2.5.29.15", true, bits(1, 0x06)),
    ],
  });
  return { name, key, certificate };
}

export async function exampleIssuer(
  root: ExampleCa,
  domain = "example.org",
  notAfter = START + 1825 * DAY,
): Promise<ExampleCa> {
  const name = `Example Issuing CA for ${domain}`;
  const key = exampleKey(name);
  const subtree = (base: Uint8Array): Uint8Array => derSequence(base);
  const constraints = derSequence(
    derElement(0xa0, subtree(derAscii(0x86, domain))),
    derElement(
      0xa1,
      subtree(derAscii(0x82, "")),
      subtree(derAscii(0x81, "")),
      subtree(derElement(0x87, new Uint8Array(8))),
      subtree(derElement(0x87, new Uint8Array(32))),
      subtree(derElement(0xa4, derSequence())),
    ),
  );
  const certificate = await certificateOf({
    serial: `${name} ${notAfter}`,
    issuer: root,
    subject: name,
    key,
    notBefore: START - 15 * DAY,
    notAfter,
    extensions: [
      aki(root.key),
      ski(key),
      extension("2.5.29.19", true, derSequence(bool, derElement(0x02, Uint8Array.of(0)))),
      extension("2.5.29.15", true, bits(1, 0x06)),
      extension("2.5.29.30", true, constraints),
    ],
  });
  return { name, key, certificate };
}

export interface LeafOf {
  readonly serial: string;
  readonly issuer: ExampleCa;
  readonly key: ExampleKey;
  readonly names: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly keyPurpose?: string;
}

/** A leaf by the certificate profile, with whatever `LeafOf` changes about it. */
export async function exampleLeaf(input: LeafOf): Promise<Uint8Array> {
  const notBefore = input.notBefore ?? START;
  const uri = (text: string): Uint8Array => derAscii(0x86, text);
  const access = (oid: string, url: string): Uint8Array => derSequence(derObjectIdentifier(oid), uri(url));
  return await certificateOf({
    serial: input.serial,
    issuer: input.issuer,
    key: input.key,
    notBefore,
    notAfter: input.notAfter ?? notBefore + 90 * DAY,
    extensions: [
      aki(input.issuer.key),
      ski(input.key),
      extension("2.5.29.15", true, bits(7, 0x80)),
      extension("2.5.29.19", true, derSequence()),
      extension("2.5.29.17", true, derSequence(...input.names.map(uri))),
      extension("2.5.29.37", false, derSequence(derObjectIdentifier(input.keyPurpose ?? "1.3.6.1.5.5.7.3.40"))),
      extension(
        "2.5.29.31",
        false,
        derSequence(derSequence(derElement(0xa0, derElement(0xa0, uri("http://as.example.org/crl/issuing.crl"))))),
      ),
      extension(
        "1.3.6.1.5.5.7.1.1",
        false,
        derSequence(
          access("1.3.6.1.5.5.7.48.2", "http://as.example.org/ca/issuing.cer"),
          access("1.3.6.1.5.5.7.48.1", "http://as.example.org/ocsp"),
        ),
      ),
      extension("1.3.6.1.4.1.32473.9750.1", false, octets(LOG_ID)),
    ],
  });
}
