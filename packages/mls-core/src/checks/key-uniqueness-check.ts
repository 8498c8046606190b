import type { Tree } from "../trees/tree.js";
import type { ViolationCode, Violations } from "./violation.js";

/** A key's bytes as a string, one character a byte: a Map key. */
export function keyString(key: Uint8Array): string {
  if (key.length <= 256) return String.fromCharCode(...key);
  let text = "";
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}

/** Keys seen so far, by where they were. */
class SeenKeys {
  readonly #seen = new Map<string, number>();

  constructor(
    readonly code: ViolationCode,
    readonly field: "signature_key" | "encryption_key",
    readonly violations: Violations,
  ) {}

  see(key: Uint8Array, nodeIndex: number): void {
    const text = keyString(key);
    const before = this.#seen.get(text);
    if (before === undefined) this.#seen.set(text, nodeIndex);
    else {
      const path = this.#pathOf(nodeIndex);
      this.violations.add(this.code, path, "Leaf Node Validation", `the same key as ${this.#pathOf(before)}`);
    }
  }

  #pathOf(nodeIndex: number): string {
    return `tree[${nodeIndex}].${nodeIndex % 2 === 0 ? "leaf_node" : "parent_node"}.${this.field}`;
  }
}

/** No signature key twice among the members, no encryption key twice among all nodes. */
export function checkUniqueKeys(tree: Tree, violations: Violations): void {
  const signatureKeys = new SeenKeys("duplicate-signature-key", "signature_key", violations);
  const encryptionKeys = new SeenKeys("duplicate-encryption-key", "encryption_key", violations);
  for (const { leafIndex, leafNode } of tree.leaves()) {
    signatureKeys.see(leafNode.signatureKey, 2 * leafIndex);
    encryptionKeys.see(leafNode.encryptionKey, 2 * leafIndex);
  }
  for (const x of tree.parents()) {
    const node = tree.parentNode(x);
    if (node !== undefined) encryptionKeys.see(node.encryptionKey, x);
  }
}
