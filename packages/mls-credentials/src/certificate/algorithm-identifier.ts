import { type DerElement, encodingOf, enter, Tag } from "./der.js";
import { bytesToHex, readCount, readOid } from "./der-values.js";
import { RepeatedReading } from "./repeated-reading.js";

/** AlgorithmIdentifier: OID and the DER of its parameters, undefined when they are absent. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: DerElement | undefined;
  readonly der: Uint8Array;
}

const repeated = new RepeatedReading<AlgorithmIdentifier>();

export function readAlgorithmIdentifier(element: DerElement, tag: number = Tag.sequence): AlgorithmIdentifier {
  return tag === Tag.sequence ? repeated.read(element, (found) => readFields(found, tag)) : readFields(element, tag);
}

function readFields(element: DerElement, tag: number): AlgorithmIdentifier {
  const reader = enter(element, tag, "AlgorithmIdentifier");
  const oid = readOid(reader.expect(Tag.oid, "algorithm"));
  const parameters = reader.done ? undefined : reader.any();
  reader.finish("AlgorithmIdentifier");
  return { oid, parameters, der: encodingOf(element) };
}

export type HashName = "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512";

/** A signature algorithm this implementation verifies. */
export type SignatureAlgorithm =
  | { readonly kind: "rsa-pkcs1"; readonly hash: HashName }
  | { readonly kind: "rsa-pss"; readonly hash: HashName; readonly saltLength: number }
  | { readonly kind: "ecdsa"; readonly hash: HashName }
  | { readonly kind: "ed25519" }
  | { readonly kind: "ed448" };

const HASHES = new Map<string, HashName>([
  ["2.16.840.1.101.3.4.2.4", "SHA-224"],
  ["2.16.840.1.101.3.4.2.1", "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"],
  ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);

const MGF1 = "1.2.840.113549.1.1.8";
export const RSA_PSS_OID = "1.2.840.113549.1.1.10";
const NULL_PARAMETERS = "0500";

/** Algorithms whose OID says everything, and whether their parameters are NULL (RFC 4055) or absent (RFC 5758, RFC 8410). */
const SIMPLE = new Map<string, { algorithm: SignatureAlgorithm; parameters: "null" | "absent" }>([
  ["1.2.840.113549.1.1.14", { algorithm: { kind: "rsa-pkcs1", hash: "SHA-224" }, parameters: "null" }],
  ["1.2.840.113549.1.1.11", { algorithm: { kind: "rsa-pkcs1", hash: "SHA-256" }, parameters: "null" }],
  ["1.2.840.113549.1.1.12", { algorithm: { kind: "rsa-pkcs1", hash: "SHA-384" }, parameters: "null" }],
  ["1.2.840.113549.1.1.13", { algorithm: { kind: "rsa-pkcs1", hash: "SHA-512" }, parameters: "null" }],
  ["1.2.840.10045.4.3.1", { algorithm: { kind: "ecdsa", hash: "SHA-224" }, parameters: "absent" }],
  ["1.2.840.10045.4.3.2", { algorithm: { kind: "ecdsa", hash: "SHA-256" }, parameters: "absent" }],
  ["1.2.840.10045.4.3.3", { algorithm: { kind: "ecdsa", hash: "SHA-384" }, parameters: "absent" }],
  ["1.2.840.10045.4.3.4", { algorithm: { kind: "ecdsa", hash: "SHA-512" }, parameters: "absent" }],
  ["1.3.101.112", { algorithm: { kind: "ed25519" }, parameters: "absent" }],
  ["1.3.101.113", { algorithm: { kind: "ed448" }, parameters: "absent" }],
]);

/**
 * The signature algorithm an identifier names; a string says why there is none. SHA-1 and MD5 are not among them, and
 * parameters must be exactly as the algorithm's RFC says.
 */
export function signatureAlgorithm(identifier: AlgorithmIdentifier): SignatureAlgorithm | string {
  const simple = SIMPLE.get(identifier.oid);
  if (simple !== undefined) {
    const { parameters } = identifier;
    if (simple.parameters === "absent" && parameters !== undefined) return `${identifier.oid} takes no parameters`;
    if (
      simple.parameters === "null" &&
      (parameters === undefined || bytesToHex(encodingOf(parameters)) !== NULL_PARAMETERS)
    )
      return `${identifier.oid} takes NULL parameters`;
    return simple.algorithm;
  }
  if (identifier.oid === RSA_PSS_OID) return pssParameters(identifier.parameters);
  return `signature algorithm ${identifier.oid} is not supported`;
}

/** RSASSA-PSS-params (RFC 4055, "RSASSA-PSS Public Keys"): one SHA-2 hash for message and mask, trailer field 1. */
export function pssParameters(parameters: DerElement | undefined): SignatureAlgorithm | string {
  if (parameters === undefined) return "RSASSA-PSS without parameters";
  try {
    const reader = enter(parameters, Tag.sequence, "RSASSA-PSS-params");
    const hashField = reader.optional(0xa0);
    const maskField = reader.optional(0xa1);
    const saltField = reader.optional(0xa2);
    const trailerField = reader.optional(0xa3);
    reader.finish("RSASSA-PSS-params");
    if (hashField === undefined || maskField === undefined) return "RSASSA-PSS with SHA-1";
    if (trailerField !== undefined) return "RSASSA-PSS with an explicit trailer field";
    const hash = hashOf(inner(hashField));
    const mask = readAlgorithmIdentifier(inner(maskField));
    if (hash === undefined || mask.oid !== MGF1 || mask.parameters === undefined || hashOf(mask.parameters) !== hash)
      return "RSASSA-PSS whose hash is not SHA-2, or not that of its mask";
    const saltLength = saltField === undefined ? 20 : readCount(inner(saltField));
    if (saltField !== undefined && saltLength === 20) return "RSASSA-PSS with an encoded default";
    return { kind: "rsa-pss", hash, saltLength };
  } catch {
    return "malformed RSASSA-PSS parameters";
  }
}

/** The only child of an explicitly tagged field. */
function inner(field: DerElement): DerElement {
  const reader = enter(field, field.tag, "explicit tag");
  const child = reader.any();
  reader.finish("explicit tag");
  return child;
}

/** Hash named by an AlgorithmIdentifier with absent or NULL parameters (RFC 4055, "One-way Hash Functions"). */
function hashOf(element: DerElement): HashName | undefined {
  const { oid, parameters } = readAlgorithmIdentifier(element);
  if (parameters !== undefined && bytesToHex(encodingOf(parameters)) !== NULL_PARAMETERS) return undefined;
  return HASHES.get(oid);
}
