import type { Tree } from "../trees/tree.js";
import type { ViolationCode, Violations } from "./violation.js";

/** A key's bytes as a string, one character a byte: a Map key. */
export function keyString(key: Uint8Array): string {
  let text = "";
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}

/** Keys seen so far, by where they were. */
class SeenKeys {
  readonly #seen = new Map<string, string>();

  constructor(
    readonly code: ViolationCode,
    readonly section: string,
    readonly violations: Violations,
  ) {}

  see(key: Uint8Array, path: string): void {
    const text = keyString(key);
    const before = this.#seen.get(text);
    if (before === undefined) this.#seen.set(text, path);
    else this.violations.add(this.code, path, this.section, `the same key as ${before}`);
  }
}

/** No signature key twice among the members, no encryption key twice among all nodes. */
export function checkUniqueKeys(tree: Tree, violations: Violations): void {
  const signatureKeys = new SeenKeys("duplicate-signature-key", "Leaf Node Validation", violations);
  const leafKeys = new SeenKeys("duplicate-encryption-key", "Leaf Node Validation", violations);
  for (const { leafIndex, leafNode } of tree.leaves()) {
    signatureKeys.see(leafNode.signatureKey, `tree[${2 * leafIndex}].leaf_node.signature_key`);
    leafKeys.see(leafNode.encryptionKey, `tree[${2 * leafIndex}].leaf_node.encryption_key`);
  }
  for (const x of tree.parents()) {
    const node = tree.parentNode(x);
    if (node !== undefined) leafKeys.see(node.encryptionKey, `tree[${x}].parent_node.encryption_key`);
  }
}
