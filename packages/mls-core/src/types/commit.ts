import { type Codec, enumeration, opaqueV, optional, struct, tagged, uint8, vectorV } from "@mls-as/tls-codec";
import { LeafNode } from "./leaf-node.js";
import { Proposal } from "./proposal.js";

/** RFC 9420, "Update Paths". */
export interface HPKECiphertext {
  readonly kemOutput: Uint8Array;
  readonly ciphertext: Uint8Array;
}
export const HPKECiphertext: Codec<HPKECiphertext> = struct({ kemOutput: opaqueV(), ciphertext: opaqueV() });

/** RFC 9420, "Update Paths". */
export interface UpdatePathNode {
  readonly encryptionKey: Uint8Array;
  readonly encryptedPathSecret: readonly HPKECiphertext[];
}
export const UpdatePathNode: Codec<UpdatePathNode> = struct({
  encryptionKey: opaqueV(),
  encryptedPathSecret: vectorV(HPKECiphertext),
});

/** RFC 9420, "Update Paths". */
export interface UpdatePath {
  readonly leafNode: LeafNode;
  readonly nodes: readonly UpdatePathNode[];
}
export const UpdatePath: Codec<UpdatePath> = struct({ leafNode: LeafNode, nodes: vectorV(UpdatePathNode) });

/** RFC 9420, "Commit". */
export type ProposalOrRef =
  | { readonly type: "proposal"; readonly proposal: Proposal }
  | { readonly type: "reference"; readonly reference: Uint8Array };
export const ProposalOrRef: Codec<ProposalOrRef> = tagged("type", enumeration(uint8, { proposal: 1, reference: 2 }), {
  proposal: struct({ proposal: Proposal }),
  reference: struct({ reference: opaqueV() }),
});

/** RFC 9420, "Commit". */
export interface Commit {
  readonly proposals: readonly ProposalOrRef[];
  readonly path: UpdatePath | undefined;
}
export const Commit: Codec<Commit> = struct({ proposals: vectorV(ProposalOrRef), path: optional(UpdatePath) });
