import { bytes, enumeration, type Infer, struct, tagged, uint8, uint64Number, vector } from "@mls-as/tls-codec";
import { HashValue } from "./hash-value.js";

export const PrefixSearchResultType = enumeration(uint8, { inclusion: 1, nonInclusionLeaf: 2, nonInclusionParent: 3 });
export type PrefixSearchResultType = Infer<typeof PrefixSearchResultType>;

export const PrefixLeaf = struct({ vrfOutput: bytes(32), commitment: HashValue });
export type PrefixLeaf = Infer<typeof PrefixLeaf>;

/** Where the search for one key ended. Draft section "Prefix Tree" of "Tree Proofs". */
export const PrefixSearchResult = tagged("resultType", PrefixSearchResultType, {
  inclusion: struct({ depth: uint8 }),
  nonInclusionLeaf: struct({ leaf: PrefixLeaf, depth: uint8 }),
  nonInclusionParent: struct({ depth: uint8 }),
});
export type PrefixSearchResult = Infer<typeof PrefixSearchResult>;

export const PrefixProof = struct({
  results: vector(PrefixSearchResult, 0, 2 ** 8 - 1),
  elements: vector(HashValue, 0, 2 ** 16 - 1),
});
export type PrefixProof = Infer<typeof PrefixProof>;

/** Draft section "Log Tree" of "Tree Proofs". */
export const InclusionProof = struct({ elements: vector(HashValue, 0, 2 ** 16 - 1) });
export type InclusionProof = Infer<typeof InclusionProof>;

/** Everything an algorithm asks for, in the order it asks. Draft section "Combined Tree". */
export const CombinedTreeProof = struct({
  timestamps: vector(uint64Number, 0, 2 ** 8 - 1),
  prefixProofs: vector(PrefixProof, 0, 2 ** 8 - 1),
  prefixRoots: vector(HashValue, 0, 2 ** 8 - 1),
  inclusion: InclusionProof,
});
export type CombinedTreeProof = Infer<typeof CombinedTreeProof>;
