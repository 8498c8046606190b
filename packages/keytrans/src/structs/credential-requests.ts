import { type Infer, optional, struct, uint32, uint64Number } from "@mls-as/tls-codec";
import { Label } from "./requests.js";

/** Asks the log for a `Credential`. Ours: the draft leaves to applications how a sender obtains one. */
export const CredentialRequest = struct({
  label: Label,
  /** The distinguished entry to build on; absent: the rightmost. */
  position: optional(uint64Number),
});
export type CredentialRequest = Infer<typeof CredentialRequest>;

/** Asks the log for a `CredentialUpdate`. Ours, as above. */
export const CredentialUpdateRequest = struct({
  label: Label,
  version: uint32,
  /** Terminal log entry of the provisional credential's search. */
  position: uint64Number,
  /** `Credential.tree_head.tree_size`. */
  treeSize: uint64Number,
});
export type CredentialUpdateRequest = Infer<typeof CredentialUpdateRequest>;
