import { createPublicKey, verify } from "node:crypto";
import { algorithmOfPublicKey, type KeyAlgorithm, keyId, type SigningKey } from "@mls-as/signers";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Extensions } from "@peculiar/asn1-x509";
import { signatureAlgorithm } from "../x509/certificate-profile.js";
import { bitString, checkDer, element, integer, members, objectIdentifier, sequenceOf } from "../x509/der.js";
import { authorityExtensions, authorityName } from "./authority-certificate.js";
import { CeremonyError } from "./ceremony-error.js";

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

/** DER octets of a file that holds them bare or in PEM armour. @throws CeremonyError */
export function fromPemOrDer(
  content: Uint8Array,
  path: string,
  code: "request-invalid" | "certificate-unreadable",
): Uint8Array {
  const text = Buffer.from(content).toString("latin1");
  const armoured = /-----BEGIN (?:NEW )?(?:CERTIFICATE REQUEST|CERTIFICATE)-----([A-Za-z0-9+/=\s]+)-----END/.exec(text);
  const der = armoured === null ? content : new Uint8Array(Buffer.from(armoured[1] ?? "", "base64"));
  try {
    checkDer(der);
    return der;
  } catch (cause) {
    throw new CeremonyError(code, `${path} is neither DER nor PEM`, { path, cause });
  }
}

/**
 * A PKCS#10 request for an issuing CA, DER: who signs it elsewhere finds the extensions that the profile demands in
 * its extensionRequest.
 */
export async function issuingRequest(key: SigningKey, domain: string): Promise<Uint8Array> {
  const extensions = new Uint8Array(AsnConvert.serialize(new Extensions(authorityExtensions(0, domain))));
  const info = sequenceOf(
    integer(0n),
    new Uint8Array(AsnConvert.serialize(authorityName(domain, "issuing", key))),
    key.publicKey,
    element(0xa0, sequenceOf(objectIdentifier(EXTENSION_REQUEST), element(0x31, extensions))),
  );
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm(key.algorithm)));
  return sequenceOf(info, algorithm, bitString(await key.sign(info)));
}

export interface RequestedIssuer {
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
}

/**
 * Reads a request as the root does: only the key counts, and that the request is signed with it. Names and extensions are
 * the root's to decide.
 *
 * @throws CeremonyError `request-invalid`
 */
export function readIssuingRequest(der: Uint8Array, path: string): RequestedIssuer {
  const refuse = (detail: string, cause?: unknown): CeremonyError =>
    new CeremonyError("request-invalid", `${path}: ${detail}`, { path, section: "CertificationRequest", cause });
  let verified: boolean;
  let publicKey: Uint8Array;
  let algorithm: KeyAlgorithm | undefined;
  try {
    const [info, , signature] = members(der);
    publicKey = members(info as Uint8Array)[2] as Uint8Array;
    algorithm = algorithmOfPublicKey(publicKey);
    if (algorithm === undefined) throw refuse("the key is neither Ed25519 nor P-256");
    const key = createPublicKey({ key: Buffer.from(publicKey), type: "spki", format: "der" });
    const octets = (signature as Uint8Array).subarray((signature as Uint8Array)[1] === 0x81 ? 4 : 3);
    verified = verify(algorithm === "Ed25519" ? null : "sha256", info as Uint8Array, key, octets);
  } catch (cause) {
    if (cause instanceof CeremonyError) throw cause;
    throw refuse("this is no certification request", cause);
  }
  if (!verified) throw refuse("the signature does not verify with the key that is asked for");
  return { id: keyId(publicKey), algorithm, publicKey };
}
