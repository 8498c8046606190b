import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import { toHex } from "../binary-text.js";
import { writeDurably } from "@mls-as/service-runtime";
import type { OcspResponder } from "../revocation/ocsp-message.js";
import type { Signer } from "@mls-as/signers";
import { keyIdentifier, nameOfSubject, OID, signatureAlgorithm, signCertificate } from "../x509/certificate-profile.js";
import {
  element,
  extension,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequenceOf,
  time,
  unsignedInteger,
} from "../x509/der.js";
import type { IssuingCa } from "./development-ca.js";

const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const NO_CHECK = "1.3.6.1.5.5.7.48.1.5";
const LIFETIME = 365 * 86_400;
const RENEW_BEFORE = 30 * 86_400;

interface DelegateIndex {
  readonly key: string;
  readonly notAfter: number;
}

/**
 * Opens the OCSP responder of an issuing CA, or makes one: a key of its own, certified for OCSP signing alone. Its
 * subject is empty and its name a URI on the domain, since the issuing CA may certify nothing else.
 */
export async function openOcspDelegate(
  folder: string,
  signer: Signer,
  issuer: IssuingCa,
  domain: string,
  now: number,
): Promise<OcspResponder> {
  const path = join(folder, `ocsp-${issuer.id}`);
  const text = await readFile(`${path}.json`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text !== undefined) {
    const index = JSON.parse(text) as DelegateIndex;
    if (index.notAfter - RENEW_BEFORE > now) {
      const certificate = new Uint8Array(await readFile(`${path}-${index.key}.cer`));
      return { key: await signer.open(index.key, "ocsp"), certificate };
    }
  }
  const key = await signer.generate("ocsp", issuer.algorithm);
  const notAfter = now + LIFETIME;
  const tbs = delegateTbs(issuer, key.publicKey, domain, now - 300, notAfter);
  const certificate = await signCertificate(issuer.key, tbs);
  await writeDurably(`${path}-${key.id}.cer`, certificate, 0o644);
  await writeDurably(`${path}.json`, `${JSON.stringify({ key: key.id, notAfter } satisfies DelegateIndex)}\n`, 0o644);
  return { key, certificate };
}

function delegateTbs(
  issuer: IssuingCa,
  spki: Uint8Array,
  domain: string,
  notBefore: number,
  notAfter: number,
): Uint8Array {
  const name = `https://${domain}/ocsp/${toHex(randomBytes(4))}`;
  const extensions = [
    extension(OID.authorityKeyIdentifier, false, sequenceOf(element(0x80, keyIdentifier(issuer.key.publicKey)))),
    extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(spki))),
    extension(OID.keyUsage, true, Uint8Array.of(0x03, 0x02, 0x07, 0x80)),
    extension(OID.basicConstraints, true, sequenceOf()),
    extension(OID.extendedKeyUsage, false, sequenceOf(objectIdentifier(OCSP_SIGNING))),
    extension(OID.subjectAltName, true, sequenceOf(element(0x86, new TextEncoder().encode(name)))),
    extension(NO_CHECK, false, nullValue),
  ];
  return sequenceOf(
    element(0xa0, integer(2n)),
    unsignedInteger(randomBytes(16)),
    new Uint8Array(AsnConvert.serialize(signatureAlgorithm(issuer.algorithm))),
    nameOfSubject(issuer.certificate),
    sequenceOf(time(notBefore), time(notAfter)),
    sequenceOf(),
    spki,
    element(0xa3, sequenceOf(...extensions)),
  );
}
