import { createHash } from "node:crypto";
import { nobleProvider, SignatureScheme, signaturePublicKey } from "@mls-as/mls-core";
import { concatBytes } from "@mls-as/tls-codec";

/** A key pair whose private half is the hash of its name: the same in every run. */
export interface KeyPair {
  readonly scheme: number;
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

const SCALAR_LENGTHS: Readonly<Record<number, number>> = {
  [SignatureScheme.ed25519]: 32,
  [SignatureScheme.ecdsa_secp256r1_sha256]: 32,
  [SignatureScheme.ecdsa_secp384r1_sha384]: 48,
  [SignatureScheme.ecdsa_secp521r1_sha512]: 66,
};

/** `length` octets that are a function of `name`. */
export function octets(name: string, length: number): Uint8Array {
  return new Uint8Array(createHash("shake256", { outputLength: length }).update(name).digest());
}

/** A signature key pair. */
export function keyPair(scheme: number, name: string): KeyPair {
  const privateKey = octets(`signature key of ${name}, scheme ${scheme}`, SCALAR_LENGTHS[scheme] as number);
  if (scheme !== SignatureScheme.ed25519) privateKey[0] = 0; // below the order of every curve
  if (scheme === SignatureScheme.ecdsa_secp521r1_sha512) privateKey[1] = 1;
  return { scheme, privateKey, publicKey: signaturePublicKey(scheme, privateKey) };
}

function der(tag: number, ...content: Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  const { length } = body;
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from(header), body);
}

const sequence = (...content: Uint8Array[]): Uint8Array => der(0x30, ...content);
const text = (tag: number, value: string): Uint8Array => der(tag, new TextEncoder().encode(value));
const bitString = (bytes: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), bytes);
const oid = (hex: string): Uint8Array => der(0x06, new Uint8Array(Buffer.from(hex, "hex")));

const EC_PUBLIC_KEY = "2a8648ce3d0201";
const ALGORITHMS: Readonly<Record<number, { readonly signature: Uint8Array; readonly key: Uint8Array }>> = {
  [SignatureScheme.ed25519]: { signature: sequence(oid("2b6570")), key: sequence(oid("2b6570")) },
  [SignatureScheme.ecdsa_secp256r1_sha256]: {
    signature: sequence(oid("2a8648ce3d040302")),
    key: sequence(oid(EC_PUBLIC_KEY), oid("2a8648ce3d030107")),
  },
  [SignatureScheme.ecdsa_secp384r1_sha384]: {
    signature: sequence(oid("2a8648ce3d040303")),
    key: sequence(oid(EC_PUBLIC_KEY), oid("2b81040022")),
  },
  [SignatureScheme.ecdsa_secp521r1_sha512]: {
    signature: sequence(oid("2a8648ce3d040304")),
    key: sequence(oid(EC_PUBLIC_KEY), oid("2b81040023")),
  },
};

const name = (commonName: string): Uint8Array => sequence(der(0x31, sequence(oid("550403"), text(0x0c, commonName))));
const keyIdentifier = (key: KeyPair): Uint8Array =>
  new Uint8Array(createHash("sha256").update(key.publicKey).digest()).slice(0, 20);

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(oid(id), ...(critical ? [der(0x01, Uint8Array.of(0xff))] : []), der(0x04, value));
}

interface Contents {
  readonly issuer: string;
  readonly issuerKey: KeyPair;
  readonly subject: Uint8Array;
  readonly subjectKey: KeyPair;
  readonly extensions: readonly Uint8Array[];
}

async function certificate({ issuer, issuerKey, subject, subjectKey, extensions }: Contents): Promise<Uint8Array> {
  const { signature: algorithm } = ALGORITHMS[issuerKey.scheme] as (typeof ALGORITHMS)[number];
  const { key } = ALGORITHMS[subjectKey.scheme] as (typeof ALGORITHMS)[number];
  const serial = octets(`serial of ${Buffer.from(subjectKey.publicKey).toString("hex")}`, 16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const identifiers = [
    extension("551d0e", false, der(0x04, keyIdentifier(subjectKey))),
    extension("551d23", false, sequence(der(0x80, keyIdentifier(issuerKey)))),
  ];
  const tbs = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, serial),
    algorithm,
    name(issuer),
    sequence(text(0x17, "260101000000Z"), text(0x17, "460101000000Z")),
    subject,
    sequence(key, bitString(subjectKey.publicKey)),
    der(0xa3, sequence(...identifiers, ...extensions)),
  );
  const signature = await nobleProvider.sign(issuerKey.scheme, issuerKey.privateKey, tbs);
  return sequence(tbs, algorithm, bitString(signature));
}

const ROOT = "Corpus root CA";
const ISSUER = "Corpus issuing CA of example.org";

/** A client's certificate and its issuer's, which a root that is not sent has signed: the chain of an x509 credential. */
export async function chainOf(user: string, device: string, key: KeyPair): Promise<Uint8Array[]> {
  const issuerKey = keyPair(key.scheme, ISSUER);
  const uri = (value: string): Uint8Array => text(0x86, value);
  const client = await certificate({
    issuer: ISSUER,
    issuerKey,
    subject: sequence(),
    subjectKey: key,
    extensions: [
      extension("551d0f", true, der(0x03, Uint8Array.of(7, 0x80))),
      extension(
        "551d11",
        true,
        sequence(uri(`mimi://example.org/u/${user}`), uri(`mimi://example.org/d/${user}/${device}`)),
      ),
    ],
  });
  const issuer = await certificate({
    issuer: ROOT,
    issuerKey: keyPair(key.scheme, ROOT),
    subject: name(ISSUER),
    subjectKey: issuerKey,
    extensions: [
      extension("551d13", true, sequence(der(0x01, Uint8Array.of(0xff)), der(0x02, Uint8Array.of(0)))),
      extension("551d0f", true, der(0x03, Uint8Array.of(1, 0x06))),
    ],
  });
  return [client, issuer];
}
