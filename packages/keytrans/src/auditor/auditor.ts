import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { KeytransError, orMalformed } from "../errors.js";
import { evaluateBatchProof } from "../log-tree/batch-proof.js";
import { appendLeaf, leafValue, rootValue } from "../log-tree/hashing.js";
import { evaluateAddition, strictlyAscending } from "../prefix-tree/audit.js";
import {
  AuditorCheckpoint,
  AuditorTreeHead,
  AuditorTreeHeadTBS,
  AuditorUpdate,
  type Configuration,
  TreeHead,
  TreeHeadTBS,
  validateConfiguration,
} from "../structs/index.js";
import type { Signer, Suite } from "../suite/index.js";
import { type AuditorState, INITIAL_AUDITOR_STATE } from "./state.js";

const SECTION = "Auditing";

export interface AuditorOptions {
  readonly suite: Suite;
  readonly configuration: Configuration;
}

/** What an update did to the log. */
export interface AuditedEntry {
  readonly state: AuditorState;
  readonly treeSize: number;
  /** Root of the log tree with this entry. */
  readonly root: Uint8Array;
  /** VRF outputs added. */
  readonly added: number;
}

/** Follows a log entry by entry, and signs only what it has verified. Keeps no state of its own. */
export interface Auditor {
  initialState(): AuditorState;
  /**
   * The state from which an auditor processes the entries right of a checkpoint (an encoded `AuditorCheckpoint`), at or
   * left of `auditor_start_pos`. What lies left of it was never audited by this auditor.
   * @throws KeytransError invalid-start, invalid-tree-head-signature, and what a contradictory proof gives
   */
  start(checkpoint: Uint8Array): Promise<AuditorState>;
  /** Verifies the `AuditorUpdate` of the next log entry. @throws KeytransError; the state stays as it was */
  process(state: AuditorState, update: Uint8Array): AuditedEntry;
  /** Root of the log tree processed so far. */
  root(state: AuditorState): Uint8Array;
  /** Verifies the log's own signature over the tree processed so far. @throws KeytransError invalid-tree-head-signature */
  verifyTreeHead(state: AuditorState, treeHead: Uint8Array): Promise<void>;
  /**
   * An encoded `AuditorTreeHead` over everything processed.
   * @throws KeytransError invalid-argument before an entry at or right of `auditor_start_pos` was processed
   */
  sign(state: AuditorState, signer: Signer): Promise<Uint8Array>;
}

/** @throws KeytransError invalid-configuration where the deployment has no auditor */
export function createAuditor({ suite, configuration }: AuditorOptions): Auditor {
  validateConfiguration(configuration);
  if (configuration.mode !== "thirdPartyAuditing" || configuration.ciphersuite !== suite.id)
    throw new KeytransError("invalid-configuration", "not an audited log of this suite", SECTION, "mode");
  const root = ({ treeSize, heads }: AuditorState): Uint8Array => rootValue(suite, treeSize, heads);
  const startPosition = configuration.auditorStartPos;
  const signatureKey = suite.importSignatureKey(configuration.signaturePublicKey);
  const verifyTreeHead = async (state: AuditorState, { treeSize, signature }: TreeHead): Promise<void> => {
    if (treeSize !== state.treeSize || treeSize === 0)
      throw new KeytransError("invalid-tree-size", "not the tree processed here", SECTION, "treeHead.treeSize");
    const tbs = encode(TreeHeadTBS, { config: configuration, treeSize, root: root(state) });
    if (!(await signatureKey.verify(tbs, signature)))
      throw new KeytransError(
        "invalid-tree-head-signature",
        "the log did not sign this tree",
        "Tree Head Signature",
        "treeHead.signature",
      );
  };
  return {
    initialState: () => INITIAL_AUDITOR_STATE,
    process(state, bytes) {
      const update = orMalformed(SECTION, "update", () => decode(AuditorUpdate, bytes));
      const next = processUpdate(suite, state, update);
      return { state: next, treeSize: next.treeSize, root: root(next), added: update.added.length };
    },
    root,
    async start(bytes) {
      const { treeHead, entry, inclusion } = orMalformed(SECTION, "checkpoint", () => decode(AuditorCheckpoint, bytes));
      const { treeSize } = treeHead;
      if (treeSize === 0 || BigInt(treeSize) > startPosition)
        throw new KeytransError(
          "invalid-start",
          `a checkpoint of ${treeSize} entries leaves out some of those from ${startPosition} on`,
          SECTION,
          "checkpoint.treeHead.treeSize",
        );
      const shape = { size: treeSize, leaves: [treeSize - 1] };
      const { heads } = evaluateBatchProof(suite, shape, [leafValue(suite, entry)], [], inclusion.elements);
      const { timestamp, prefixTree } = entry;
      const state: AuditorState = { treeSize, timestamp, prefixRoot: prefixTree, heads, start: treeSize };
      await verifyTreeHead(state, treeHead);
      return state;
    },
    verifyTreeHead: (state, bytes) =>
      verifyTreeHead(
        state,
        orMalformed(SECTION, "treeHead", () => decode(TreeHead, bytes)),
      ),
    async sign(state, signer) {
      if (state.treeSize <= Number(startPosition) || state.treeSize === state.start)
        throw new KeytransError("invalid-argument", "nothing was audited yet", SECTION);
      const { timestamp, treeSize } = state;
      const tbs = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root: root(state) });
      return encode(AuditorTreeHead, { timestamp, treeSize, signature: await signer.sign(tbs) });
    },
  };
}

function processUpdate(suite: Suite, state: AuditorState, update: AuditorUpdate): AuditorState {
  const { timestamp, added, removed, proof } = update;
  if (timestamp < state.timestamp)
    throw new KeytransError("non-monotonic-timestamps", "older than the entry before", SECTION, "timestamp");
  if (!strictlyAscending(added)) throw refusal("not strictly ascending", "added");
  // The draft leaves open what a prefix tree looks like after a removal, so a log that removes cannot be followed.
  if (removed.length > 0) throw refusal("nothing is ever removed from this log", "removed");
  if (proof.results.length !== added.length)
    throw new KeytransError("unexpected-count", "one result for each added leaf is due", SECTION, "proof.results");
  const { before, after } = evaluateAddition(suite, added, proof);
  if (!equalBytes(before, state.prefixRoot))
    throw new KeytransError("prefix-root-mismatch", "the proof is not from the entry before", SECTION, "proof");
  const leaf = leafValue(suite, { timestamp, prefixTree: after });
  const { heads } = appendLeaf(suite, state.treeSize, state.heads, leaf);
  return { ...state, treeSize: state.treeSize + 1, timestamp, prefixRoot: after, heads };
}

function refusal(message: string, path: string): KeytransError {
  return new KeytransError("invalid-auditor-update", message, SECTION, path);
}
