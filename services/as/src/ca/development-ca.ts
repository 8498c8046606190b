import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Extensions,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { toHex } from "../binary-text.js";
import { writeDurably } from "../durable-file.js";
import type { KeyAlgorithm, KeyRole, Signer, SigningKey } from "../signer/signer.js";
import { SoftwareSigner } from "../signer/software.js";
import {
  arrayBuffer,
  certificateExtension,
  keyIdentifier,
  OID,
  serialContent,
  signatureAlgorithm,
  signCertificate,
} from "../x509/certificate-profile.js";
import { element, sequenceOf } from "../x509/der.js";

/** A certification authority: its certificate and the key that signs for it. */
export interface CaKey {
  /** The key's id; part of the CRL and caIssuers URLs. */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly key: SigningKey;
}

export interface IssuingCa extends CaKey {
  /** Id of the root that signed it. */
  readonly root: string;
  /** A retiring issuer signs CRLs and OCSP answers, but no new certificates. */
  readonly status: "active" | "retiring";
}

/** Everything a service needs to issue; roots only as certificates unless asked for. */
export interface CertificationAuthorities {
  readonly domain: string;
  readonly roots: readonly CaKey[];
  readonly issuers: readonly IssuingCa[];
}

interface CaIndex {
  readonly format: 1;
  readonly domain: string;
  readonly roots: readonly string[];
  readonly issuers: readonly { readonly id: string; readonly root: string; readonly status: "active" | "retiring" }[];
}

const YEAR = 365 * 86_400;
const ALGORITHMS: readonly KeyAlgorithm[] = ["Ed25519", "P-256"];

function commonName(text: string): Name {
  const value = new AttributeTypeAndValue({ type: "2.5.4.3", value: new AttributeValue({ utf8String: text }) });
  return new Name([new RelativeDistinguishedName([value])]);
}

/**
 * Name constraints of an issuing CA, DER: URIs on this host alone; no DNS name, no mail address, no IP address and no
 * directory name (RFC 5280, "Name Constraints").
 */
export function issuingNameConstraints(domain: string): Uint8Array {
  const subtree = (base: Uint8Array): Uint8Array => sequenceOf(base);
  const permitted = subtree(element(0x86, new TextEncoder().encode(domain)));
  const excluded = [
    subtree(element(0x81)), // rfc822Name: the empty constraint matches every mailbox
    subtree(element(0x82)), // dNSName: the empty constraint matches every name
    subtree(element(0xa4, sequenceOf())), // directoryName: the empty name is above every name
    subtree(element(0x87, new Uint8Array(8))), // iPAddress 0.0.0.0/0
    subtree(element(0x87, new Uint8Array(32))), // iPAddress ::/0
  ];
  return sequenceOf(element(0xa0, permitted), element(0xa1, ...excluded));
}

interface AuthorityTemplate {
  readonly subject: Name;
  readonly key: SigningKey;
  readonly issuer: { readonly name: Name; readonly key: SigningKey };
  readonly lifetime: number;
  readonly pathLength: number;
  readonly nameConstraints?: Uint8Array;
}

async function certify(template: AuthorityTemplate, now: number): Promise<Uint8Array> {
  const { subject, key, issuer, lifetime, pathLength, nameConstraints } = template;
  const identifier = (of: SigningKey): ArrayBuffer => arrayBuffer(keyIdentifier(of.publicKey));
  const extensions = [
    certificateExtension(OID.basicConstraints, true, new BasicConstraints({ cA: true, pathLenConstraint: pathLength })),
    certificateExtension(OID.keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)),
    certificateExtension(OID.subjectKeyIdentifier, false, new SubjectKeyIdentifier(identifier(key))),
  ];
  if (issuer.key.id !== key.id) {
    const authority = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifier(issuer.key)) });
    extensions.push(certificateExtension(OID.authorityKeyIdentifier, false, authority));
  }
  if (nameConstraints !== undefined) extensions.push(certificateExtension(OID.nameConstraints, true, nameConstraints));
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialContent(randomBytes(16)),
    signature: signatureAlgorithm(issuer.key.algorithm),
    issuer: issuer.name,
    validity: new Validity({ notBefore: new Date((now - 300) * 1000), notAfter: new Date((now + lifetime) * 1000) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(arrayBuffer(key.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions),
  });
  return await signCertificate(issuer.key, new Uint8Array(AsnConvert.serialize(tbs)));
}

/** Makes an Ed25519 and a P-256 root, and under each an issuing CA that is constrained to `domain`. */
export async function createDevelopmentCa(folder: string, signer: Signer, domain: string, now: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const roots: string[] = [];
  const issuers: CaIndex["issuers"][number][] = [];
  for (const algorithm of ALGORITHMS) {
    const root = await signer.generate("root", algorithm);
    const rootName = commonName(`${domain} MLS root ${algorithm} ${root.id.slice(0, 8)}`);
    const top = { name: rootName, key: root };
    const rootDer = await certify(
      { subject: rootName, key: root, issuer: top, lifetime: 20 * YEAR, pathLength: 1 },
      now,
    );
    const issuing = await signer.generate("issuing", algorithm);
    const issuingDer = await certify(
      {
        subject: commonName(`${domain} MLS issuing ${algorithm} ${issuing.id.slice(0, 8)}`),
        key: issuing,
        issuer: top,
        lifetime: 5 * YEAR,
        pathLength: 0,
        nameConstraints: issuingNameConstraints(domain),
      },
      now,
    );
    await writeDurably(join(folder, `${root.id}.cer`), rootDer, 0o644);
    await writeDurably(join(folder, `${issuing.id}.cer`), issuingDer, 0o644);
    roots.push(root.id);
    issuers.push({ id: issuing.id, root: root.id, status: "active" });
  }
  const index: CaIndex = { format: 1, domain, roots, issuers };
  // The index is written last: a start that was cut short leaves unused keys, never half an authority.
  await writeDurably(join(folder, "ca.json"), `${JSON.stringify(index, undefined, 2)}\n`, 0o644);
}

/** Reads the authorities of a folder; undefined when none has been made there. */
export async function openAuthorities(folder: string, signer: Signer): Promise<CertificationAuthorities | undefined> {
  const text = await readFile(join(folder, "ca.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const index = JSON.parse(text) as CaIndex;
  const read = async (id: string, role: KeyRole): Promise<CaKey> => {
    const key = await signer.open(id, role);
    const certificate = new Uint8Array(await readFile(join(folder, `${id}.cer`)));
    return { id, algorithm: key.algorithm, certificate, key };
  };
  const roots: CaKey[] = [];
  for (const id of index.roots) roots.push(await read(id, "root"));
  const issuers: IssuingCa[] = [];
  for (const { id, root, status } of index.issuers) issuers.push({ ...(await read(id, "issuing")), root, status });
  return { domain: index.domain, roots, issuers };
}

/** The passphrase of a data folder: the environment's, the file's, or one made now (mode 0600). */
export async function dataPassphrase(dataDir: string, given?: string): Promise<string> {
  const fromEnvironment = given ?? process.env["MLS_AS_PASSPHRASE"];
  if (fromEnvironment !== undefined) return fromEnvironment;
  const path = process.env["MLS_AS_PASSPHRASE_FILE"] ?? join(dataDir, "passphrase");
  try {
    return (await readFile(path, "utf8")).trimEnd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || process.env["MLS_AS_PASSPHRASE_FILE"] !== undefined)
      throw error;
  }
  const passphrase = toHex(randomBytes(32));
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeDurably(path, `${passphrase}\n`, 0o600);
  return passphrase;
}

/** Opens the development CA of an AS data folder, keys included. @throws Error when there is none */
export async function openDevelopmentCa(dataDir: string, passphrase?: string): Promise<CertificationAuthorities> {
  const signer = new SoftwareSigner(join(dataDir, "ca", "keys"), await dataPassphrase(dataDir, passphrase));
  const authorities = await openAuthorities(join(dataDir, "ca"), signer);
  if (authorities === undefined) throw new Error(`${dataDir} holds no certification authority`);
  return authorities;
}
