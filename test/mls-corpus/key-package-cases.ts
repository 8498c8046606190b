import { KeyPackage, type LeafNode, SignatureScheme } from "@mls-as/mls-core";
import { concatBytes, encode } from "@mls-as/tls-codec";
import type { CorpusCase } from "./corpus.js";
import { NIST_FIELD_LENGTHS } from "./keys-at-fault.js";
import { asSource, CAPABILITIES, GROUP_ID, keyPackageOf, type Member, NOW, signed, unsignedLeaf } from "./members.js";

/** Flips one bit in the last octet. */
export function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1;
  return copy;
}

const GREASE = { extensionType: 0x2a2a, extensionData: Uint8Array.of(1, 2, 3) };

/** KeyPackages of one member: `codes` empty when valid. */
export async function keyPackageCases(who: Member): Promise<CorpusCase[]> {
  const cases: CorpusCase[] = [];
  const addBytes = (name: string, description: string, bytes: Uint8Array, ...codes: string[]): void => {
    cases.push({ name, description, structure: "KeyPackage", bytes, codes });
  };
  const add = (name: string, description: string, value: KeyPackage, ...codes: string[]): void =>
    addBytes(name, description, encode(KeyPackage, value), ...codes);
  const leafWith = (changes: object): Promise<LeafNode> => signed(who, unsignedLeaf(who, changes));
  const withLeaf = async (changes: object): Promise<KeyPackage> => keyPackageOf(who, await leafWith(changes));
  const capabilities = CAPABILITIES(who.suite);
  const leaf = await leafWith({});
  const valid = await keyPackageOf(who, leaf);
  const encoded = encode(KeyPackage, valid);

  add("valid", "A KeyPackage with an x509 chain of two certificates", valid);
  add(
    "one-certificate",
    "A chain of the client's certificate alone",
    await withLeaf({
      credential: { credentialType: "x509", certificates: who.certificates.slice(0, 1) },
    }),
  );
  add(
    "grease",
    "GREASE values wherever they may appear",
    await keyPackageOf(
      who,
      await leafWith({
        capabilities: {
          versions: [1, 0x0a0a],
          cipherSuites: [0x1a1a, who.suite],
          extensions: [0x2a2a],
          proposals: [0x3a3a],
          credentials: [0x4a4a, 2],
        },
        extensions: [GREASE],
      }),
      { extensions: [GREASE] },
    ),
  );
  add(
    "not-before-now",
    "The lifetime begins this second",
    await withLeaf({ lifetime: { notBefore: NOW, notAfter: NOW + 1n } }),
  );
  add(
    "not-after-now",
    "The lifetime ends with this second",
    await withLeaf({ lifetime: { notBefore: NOW - 1n, notAfter: NOW } }),
  );
  add(
    "application-id",
    "application_id needs no entry in the capabilities",
    await withLeaf({
      extensions: [{ extensionType: 1, extensionData: Uint8Array.of(2, 0x61, 0x62) }],
    }),
  );

  add(
    "leaf-signature",
    "One bit of the leaf's signature is flipped, the KeyPackage is signed over that",
    await keyPackageOf(who, { ...leaf, signature: flipped(leaf.signature) }),
    "invalid-signature",
  );
  add(
    "outer-signature",
    "One bit of the KeyPackage's signature is flipped",
    { ...valid, signature: flipped(valid.signature) },
    "invalid-signature",
  );
  add(
    "empty-signature",
    "The KeyPackage's signature is empty",
    { ...valid, signature: new Uint8Array() },
    "invalid-signature",
  );
  add(
    "label",
    "The KeyPackage is signed with the label of a leaf",
    await keyPackageOf(who, leaf, {}, "LeafNodeTBS"),
    "invalid-signature",
  );
  add(
    "init-key-reused",
    "init_key is the leaf's encryption_key",
    await keyPackageOf(who, leaf, { initKey: leaf.encryptionKey }),
    "init-key-reused",
  );
  add("version", "Protocol version 2", await keyPackageOf(who, leaf, { version: 2 }), "unsupported-version");
  add(
    "cipher-suite",
    "A cipher suite that no registry has",
    await keyPackageOf(who, leaf, { cipherSuite: 0x0a0a }),
    "unsupported-cipher-suite",
  );
  add(
    "duplicate-extension",
    "Two extensions of one type",
    await keyPackageOf(who, leaf, { extensions: [GREASE, GREASE] }),
    "duplicate-extension",
  );
  add(
    "credential-type-not-listed",
    "capabilities list basic credentials only",
    await withLeaf({ capabilities: { ...capabilities, credentials: [1] } }),
    "unsupported-credential-type",
  );
  add(
    "suite-not-listed",
    "capabilities do not list the suite in use",
    await withLeaf({ capabilities: { ...capabilities, cipherSuites: [4] } }),
    "unsupported-cipher-suite",
  );
  add(
    "version-not-listed",
    "capabilities do not list mls10",
    await withLeaf({ capabilities: { ...capabilities, versions: [2] } }),
    "unsupported-version",
  );
  add(
    "leaf-extension-not-listed",
    "The leaf has an extension that its capabilities do not list",
    await withLeaf({ extensions: [GREASE] }),
    "unsupported-extension",
  );
  add(
    "duplicate-leaf-extension",
    "Two extensions of one type in the leaf",
    await withLeaf({
      capabilities: { ...capabilities, extensions: [0x2a2a] },
      extensions: [GREASE, GREASE],
    }),
    "duplicate-extension",
  );
  add(
    "empty-chain",
    "An x509 credential without certificates",
    await withLeaf({ credential: { credentialType: "x509", certificates: [] } }),
    "empty-credential",
  );
  add(
    "expired",
    "The lifetime ended a second ago",
    await withLeaf({ lifetime: { notBefore: NOW - 9n, notAfter: NOW - 1n } }),
    "expired",
  );
  add(
    "not-yet-valid",
    "The lifetime begins in a second",
    await withLeaf({ lifetime: { notBefore: NOW + 1n, notAfter: NOW + 9n } }),
    "not-yet-valid",
  );
  add(
    "empty-lifetime",
    "The lifetime ends before it begins",
    await withLeaf({ lifetime: { notBefore: NOW, notAfter: NOW - 1n } }),
    "empty-lifetime",
    "expired",
  );
  add(
    "lifetime-too-long",
    "The lifetime is of all time",
    await withLeaf({ lifetime: { notBefore: 0n, notAfter: 2n ** 64n - 1n } }),
    "lifetime-too-long",
  );
  const position = { groupId: GROUP_ID, leafIndex: 0 };
  for (const source of ["update", "commit"] as const)
    add(
      `source-${source}`,
      `The leaf is of source ${source}`,
      await keyPackageOf(who, await signed(who, asSource(unsignedLeaf(who), source), position)),
      "wrong-leaf-source",
    );

  addBytes("trailing-byte", "One octet follows the KeyPackage", concatBytes(encoded, Uint8Array.of(0)), "malformed");
  addBytes("truncated", "The last octet is missing", encoded.slice(0, -1), "malformed");
  addBytes("empty", "No octet at all", new Uint8Array(), "malformed");
  const keyLength = valid.initKey.length;
  const headerWidth = keyLength < 64 ? 1 : 2;
  const rest = encoded.slice(4 + headerWidth);
  const wide = Uint8Array.of(0x80, 0, keyLength >> 8, keyLength & 0xff);
  addBytes(
    "long-length",
    "The length of init_key takes four octets",
    concatBytes(encoded.slice(0, 4), wide, rest),
    "malformed",
  );
  addBytes(
    "reserved-length",
    "The length of init_key begins with the reserved bits 11",
    concatBytes(encoded.slice(0, 4), Uint8Array.of(0xc0, 0, 0, 0, 0, 0, 0, keyLength), rest),
    "malformed",
  );
  const source = encoded.slice();
  const offset = offsetOfSource(valid);
  source[offset] = 4;
  addBytes("unknown-source", "leaf_node_source 4", source, "malformed");
  if (who.key.scheme !== SignatureScheme.ed25519) {
    const fieldLength = NIST_FIELD_LENGTHS[who.key.scheme] as number;
    add(
      "raw-signature",
      "The signature is r || s instead of DER",
      { ...valid, signature: valid.signature.slice(-2 * fieldLength) },
      "invalid-signature",
    );
    add(
      "padded-signature",
      "The DER signature has an octet after its end",
      { ...valid, signature: concatBytes(valid.signature, Uint8Array.of(0)) },
      "invalid-signature",
    );
  }
  return cases;
}

/** Octets before `leaf_node_source`, found by changing it. */
function offsetOfSource(keyPackage: KeyPackage): number {
  const { leafNode } = keyPackage;
  const other = { ...asSource(leafNode, "update"), signature: leafNode.signature };
  const [a, b] = [encode(KeyPackage, keyPackage), encode(KeyPackage, { ...keyPackage, leafNode: other })];
  return a.findIndex((octet, i) => octet !== b[i]);
}
