import { LeafNode } from "@mls-as/mls-core";
import { encode } from "@mls-as/tls-codec";
import type { CorpusCase } from "./corpus.js";
import { flipped } from "./key-package-cases.js";
import { asSource, CAPABILITIES, encryptionKey, GROUP_ID, type Member, signed, unsignedLeaf } from "./members.js";

/** Leaves of one member as they stand in a group at index 5: `codes` empty when valid. */
export async function leafNodeCases(who: Member): Promise<CorpusCase[]> {
  const cases: CorpusCase[] = [];
  const position = { groupId: GROUP_ID, leafIndex: 5 };
  const add = (name: string, description: string, leaf: LeafNode, ...codes: string[]): void => {
    cases.push({ name, description, structure: "LeafNode", bytes: encode(LeafNode, leaf), ...position, codes });
  };
  const plain = unsignedLeaf(who, { encryptionKey: encryptionKey(who.suite, `${who.name}, update`) });
  const update = asSource(plain, "update");
  const commit = asSource(plain, "commit", new Uint8Array(32).fill(7));
  add("leaf-update", "A leaf of an Update, signed for its group and position", await signed(who, update, position));
  add("leaf-commit", "A leaf of a Commit, signed for its group and position", await signed(who, commit, position));
  add("leaf-key-package", "A leaf from a KeyPackage, signed without a position", await signed(who, plain));
  for (const [name, leaf] of Object.entries({ update, commit })) {
    const valid = await signed(who, leaf, position);
    const at = (groupId: Uint8Array, leafIndex: number): Promise<LeafNode> => signed(who, leaf, { groupId, leafIndex });
    const other = new TextEncoder().encode("another group");
    add(`leaf-${name}-index`, "Signed for the leaf beside it", await at(GROUP_ID, 6), "invalid-signature");
    add(`leaf-${name}-group`, "Signed for another group", await at(other, 5), "invalid-signature");
    add(
      `leaf-${name}-signature`,
      "One bit of the signature is flipped",
      { ...valid, signature: flipped(valid.signature) },
      "invalid-signature",
    );
  }
  const unsupported = { ...update, capabilities: { ...CAPABILITIES(who.suite), credentials: [1] } };
  add(
    "leaf-credential-type",
    "capabilities lack x509",
    await signed(who, unsupported, position),
    "unsupported-credential-type",
  );
  const extensions = [{ extensionType: 0xf0a5, extensionData: new Uint8Array() }];
  add(
    "leaf-extension",
    "An extension that capabilities lack",
    await signed(who, { ...update, extensions }, position),
    "unsupported-extension",
  );
  return cases;
}
