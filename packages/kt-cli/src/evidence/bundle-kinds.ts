import type { Evidence } from "@mls-as/keytrans";
import type { Exchange } from "@mls-as/kt-client";

/** A tree head of the log with the root that it signs. */
export interface SignedRoot {
  readonly treeSize: number;
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
}

/** What `kt` keeps of an incident. Each kind can be judged from its bytes alone. */
export type Bundle =
  /** A verified accusation of the protocol's client. */
  | { readonly kind: "exchange"; readonly evidence: Evidence }
  /** Two verified exchanges, each made without an earlier view, that show two histories. */
  | { readonly kind: "fork"; readonly exchanges: readonly [Exchange, Exchange] }
  /** A signed tree head, and a verified exchange, made without an earlier view, whose tree does not contain that tree. */
  | { readonly kind: "signed-root"; readonly head: SignedRoot; readonly exchange: Exchange }
  /**
   * Two signed trees of which neither extends the other. `heads` are the full subtree values of the greater tree's first
   * `small.treeSize` entries, `appended` the values of its further leaves.
   */
  | {
      readonly kind: "tree-heads";
      readonly configuration: Uint8Array;
      readonly small: SignedRoot;
      readonly large: SignedRoot;
      readonly heads: readonly Uint8Array[];
      readonly appended: readonly Uint8Array[];
    }
  /** An auditor update that breaks a rule, the auditor's state before, and the log's signature over the tree after it. */
  | {
      readonly kind: "audit";
      readonly configuration: Uint8Array;
      readonly state: Uint8Array;
      /** From the entry before the offending one on, up to the tree that `after` signs. */
      readonly updates: readonly Uint8Array[];
      readonly after?: { readonly treeSize: number; readonly signature: Uint8Array };
    }
  /** An answer that does not verify, and that nobody can be accused of: it may have been altered on the way. */
  | { readonly kind: "unverifiable"; readonly exchange: Exchange; readonly code: string };
