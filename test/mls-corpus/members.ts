import {
  type Capabilities,
  cipherSuite,
  type KeyPackage,
  type LeafNode,
  type LeafPosition,
  keyPackageTbs,
  leafNodeTbs,
  nobleProvider,
  SignatureLabel,
  signWithLabel,
  type UnsignedLeafNode,
} from "@mls-as/mls-core";
import { encryptionPublicKey } from "../conformance/mls-keys.js";
import { chainOf, type KeyPair, keyPair, octets } from "./certificates.js";

/** The instant at which the corpus is judged: 2027-01-01, and the longest lifetime accepted: 90 days. */
export const NOW = 1_798_761_600n;
export const MAXIMUM_LIFETIME = 90n * 86_400n;
export const GROUP_ID = new TextEncoder().encode("corpus group");

/** An HPKE public key of a suite, a function of the name. */
export function encryptionKey(suite: number, name: string): Uint8Array {
  const { kem } = cipherSuite(suite);
  const length = kem === "X25519" || kem === "P-256" ? 32 : kem === "P-384" ? 48 : 66;
  const privateKey = octets(`encryption key of ${name}, suite ${suite}`, length);
  if (kem !== "X25519") privateKey[0] = 0;
  if (kem === "P-521") privateKey[1] = 1;
  return encryptionPublicKey(suite, privateKey);
}

/** What a client is known by: everything a valid leaf or KeyPackage of it needs. */
export interface Member {
  readonly suite: number;
  readonly name: string;
  readonly key: KeyPair;
  readonly certificates: readonly Uint8Array[];
}

export async function member(suite: number, name: string): Promise<Member> {
  const key = keyPair(cipherSuite(suite).signatureScheme, name);
  return { suite, name, key, certificates: await chainOf(name, "phone", key) };
}

export const CAPABILITIES = (suite: number): Capabilities => ({
  versions: [1],
  cipherSuites: [suite],
  extensions: [],
  proposals: [],
  credentials: [2],
});

/** A valid leaf of source key_package, with some fields changed before it is signed. */
export function unsignedLeaf({ suite, name, key, certificates }: Member, changes: object = {}): UnsignedLeafNode {
  return {
    encryptionKey: encryptionKey(suite, `${name}, leaf`),
    signatureKey: key.publicKey,
    credential: { credentialType: "x509", certificates },
    capabilities: CAPABILITIES(suite),
    leafNodeSource: "keyPackage",
    lifetime: { notBefore: NOW - 3600n, notAfter: NOW + 86_400n * 30n },
    extensions: [],
    ...changes,
  } as UnsignedLeafNode;
}

/** Without the lifetime that only KeyPackages have. */
export function asSource(
  leaf: UnsignedLeafNode,
  source: "update" | "commit",
  parentHash?: Uint8Array,
): UnsignedLeafNode {
  const { encryptionKey: key, signatureKey, credential, capabilities, extensions } = leaf;
  const fields = { encryptionKey: key, signatureKey, credential, capabilities, extensions };
  return source === "update"
    ? { ...fields, leafNodeSource: "update" }
    : { ...fields, leafNodeSource: "commit", parentHash: parentHash ?? new Uint8Array() };
}

export async function signed(who: Member, leaf: UnsignedLeafNode, position?: LeafPosition): Promise<LeafNode> {
  const { scheme, privateKey } = who.key;
  const content = leafNodeTbs(leaf, position);
  const signature = await signWithLabel(nobleProvider, scheme, privateKey, SignatureLabel.leafNode, content);
  return { ...leaf, signature };
}

/** A KeyPackage around a leaf, with some fields changed before it is signed. */
export async function keyPackageOf(
  who: Member,
  leafNode: LeafNode,
  changes: object = {},
  label: string = SignatureLabel.keyPackage,
): Promise<KeyPackage> {
  const fields = {
    version: 1,
    cipherSuite: who.suite,
    initKey: encryptionKey(who.suite, `${who.name}, init`),
    leafNode,
    extensions: [],
    ...changes,
  };
  const { scheme, privateKey } = who.key;
  return { ...fields, signature: await signWithLabel(nobleProvider, scheme, privateKey, label, keyPackageTbs(fields)) };
}
