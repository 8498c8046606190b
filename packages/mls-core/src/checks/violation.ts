import type { KeyFault } from "../crypto/public-key-check.js";

/** Everything that can be wrong with a structure that decodes, and with bytes that do not. */
export type ViolationCode =
  | Exclude<KeyFault, "unsupported-signature-scheme">
  /** The bytes do not decode, or an extension's content does not. */
  | "malformed"
  /** More input than the caller's bound. */
  | "too-large"
  | "unsupported-version"
  | "unsupported-cipher-suite"
  | "cipher-suite-mismatch"
  | "invalid-signature"
  | "wrong-leaf-source"
  /** `init_key` equals `encryption_key`. */
  | "init-key-reused"
  /** An Update, external commit or path brings the encryption key that it should replace. */
  | "encryption-key-reused"
  /** `not_after` lies before `not_before`. */
  | "empty-lifetime"
  | "lifetime-too-long"
  | "not-yet-valid"
  | "expired"
  /** An x509 credential without certificates, or a multi-credential without bindings. */
  | "empty-credential"
  /** A multi-credential's binding is not signed by its key. */
  | "invalid-credential-binding"
  | "duplicate-extension"
  /** An extension that capabilities do not list. */
  | "unsupported-extension"
  | "unsupported-credential-type"
  | "unsupported-proposal-type"
  | "duplicate-signature-key"
  | "duplicate-encryption-key"
  | "missing-tree"
  | "tree-hash-mismatch"
  /** A parent node that no chain of parent hashes leads to. */
  | "invalid-parent-hash"
  /** `unmerged_leaves` not strictly ascending. */
  | "unmerged-leaf-order"
  /** An entry of `unmerged_leaves` that is blank or not below the node. */
  | "unmerged-leaf-stray"
  /** An intermediate node lacks the entry of an unmerged leaf. */
  | "unmerged-leaf-missing"
  /** `signer` points to no member. */
  | "unknown-signer"
  /** The sender is not a member, or not among the external senders. */
  | "unknown-sender"
  | "wrong-group"
  | "wrong-epoch"
  | "proposal-not-allowed"
  | "missing-path"
  /** The path does not have the shape that the sender's place in the tree asks for. */
  | "invalid-path"
  | "missing-external-pub"
  /** A removal of a leaf that is blank or out of range. */
  | "unknown-leaf"
  /** A removal of someone else. */
  | "not-same-client"
  /** A verification by the caller's provider failed otherwise than by saying no. */
  | "provider-failure";

/** One broken rule. */
export interface Violation {
  readonly code: ViolationCode;
  /** The offending field, from the checked structure inwards, as `tree[4].credential`. */
  readonly path: string;
  /** The rule, by document and section title. */
  readonly section: string;
  readonly detail: string;
}

/** Collects violations; paths are relative to `base`. */
export class Violations {
  readonly list: Violation[];
  readonly #base: string;

  constructor(base = "", list: Violation[] = []) {
    this.#base = base;
    this.list = list;
  }

  add(code: ViolationCode, path: string, section: string, detail: string): void {
    const joined = this.#base === "" ? path : path === "" ? this.#base : `${this.#base}.${path}`;
    this.list.push({ code, path: joined, section: `RFC 9420, ${section}`, detail });
  }

  /** The same collection, seen from a field further in. */
  at(path: string): Violations {
    return new Violations(this.#base === "" ? path : `${this.#base}.${path}`, this.list);
  }
}
