import { bytesKey } from "./bytes-key.js";
import {
  type Certificate,
  CertificateError,
  mlsNames,
  parseCertificate,
  tbsCertificateHash,
} from "./certificate/index.js";
import type { SightedCredential } from "./ghost/ghost-event.js";
import { readSubjectPublicKeyInfo, spkiHash } from "./subject-public-key-info.js";

/**
 * Describes a credential for the ghost detector. `reference` is the user URI the app expects there.
 *
 * A certificate that does not parse, or has no names of this system, presents nobody: it conflicts with any reference.
 */
export function sightX509(
  certificates: readonly Uint8Array[],
  signatureKey: Uint8Array,
  reference: string,
): SightedCredential {
  const evidence = { certificates: certificates.map(bytesKey), signatureKey: bytesKey(signatureKey) };
  const leaf = parseLeaf(certificates[0]);
  if (leaf === undefined) return { ...blank(reference, "x509"), ...evidence, keyMatches: false };
  const key = readSubjectPublicKeyInfo(leaf.spki);
  const names = mlsNames(leaf);
  return {
    reference,
    type: "x509",
    user: names?.user ?? "",
    client: names?.client ?? "",
    spkiHash: bytesKey(spkiHash(leaf.spki)),
    tbsCertificateHash: bytesKey(tbsCertificateHash(leaf)),
    keyMatches: key !== undefined && bytesKey(key.publicKey) === bytesKey(signatureKey),
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    ...evidence,
  };
}

/** Describes a member without certificates. */
export function sightOther(type: "basic" | "other", signatureKey: Uint8Array, reference: string): SightedCredential {
  return { ...blank(reference, type), signatureKey: bytesKey(signatureKey) };
}

function blank(reference: string, type: SightedCredential["type"]): SightedCredential {
  return {
    reference,
    type,
    user: "",
    client: "",
    spkiHash: "",
    tbsCertificateHash: "",
    keyMatches: true,
    notBefore: 0,
    notAfter: 0,
  };
}

function parseLeaf(der: Uint8Array | undefined): Certificate | undefined {
  if (der === undefined) return undefined;
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
