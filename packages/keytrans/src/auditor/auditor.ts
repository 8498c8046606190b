import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { KeytransError, orMalformed } from "../errors.js";
import { appendLeaf, leafValue, rootValue } from "../log-tree/hashing.js";
import { evaluateAddition, strictlyAscending } from "../prefix-tree/audit.js";
import {
  AuditorTreeHead,
  AuditorTreeHeadTBS,
  AuditorUpdate,
  type Configuration,
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
  /** Verifies the `AuditorUpdate` of the next log entry. @throws KeytransError; the state stays as it was */
  process(state: AuditorState, update: Uint8Array): AuditedEntry;
  /** Root of the log tree processed so far. */
  root(state: AuditorState): Uint8Array;
  /** An encoded `AuditorTreeHead` over everything processed. @throws KeytransError invalid-argument before the first entry */
  sign(state: AuditorState, signer: Signer): Promise<Uint8Array>;
}

/** @throws KeytransError invalid-configuration where the deployment has no auditor */
export function createAuditor({ suite, configuration }: AuditorOptions): Auditor {
  validateConfiguration(configuration);
  if (configuration.mode !== "thirdPartyAuditing" || configuration.ciphersuite !== suite.id)
    throw new KeytransError("invalid-configuration", "not an audited log of this suite", SECTION, "mode");
  const root = ({ treeSize, heads }: AuditorState): Uint8Array => rootValue(suite, treeSize, heads);
  return {
    initialState: () => INITIAL_AUDITOR_STATE,
    process(state, bytes) {
      const update = orMalformed(SECTION, "update", () => decode(AuditorUpdate, bytes));
      const next = processUpdate(suite, state, update);
      return { state: next, treeSize: next.treeSize, root: root(next), added: update.added.length };
    },
    root,
    async sign(state, signer) {
      if (state.treeSize === 0) throw new KeytransError("invalid-argument", "nothing was audited yet", SECTION);
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
  return { treeSize: state.treeSize + 1, timestamp, prefixRoot: after, heads };
}

function refusal(message: string, path: string): KeytransError {
  return new KeytransError("invalid-auditor-update", message, SECTION, path);
}
