import { AuditorUpdate, evaluatePrefixProof, KeytransError } from "@mls-as/keytrans";
import { type Auditor, type AuditorState, createAuditor, decodeAuditorState } from "@mls-as/keytrans/auditor";
import type { KnownLog } from "@mls-as/kt-client";
import { decode, equalBytes } from "@mls-as/tls-codec";
import { isSignedTree } from "../log-signature.js";
import { countText } from "../terminal/time-text.js";
import type { Bundle } from "./bundle.js";
import { confirmed, type Opinion, proven, unfounded } from "./judgement.js";

/** Follows the updates of a bundle up to the one that breaks a rule, and says what the signatures around it prove. */
export async function judgeAuditBundle(log: KnownLog, bundle: Extract<Bundle, { kind: "audit" }>): Promise<Opinion> {
  const auditor = createAuditor({ suite: log.kt.setting.suite, configuration: log.configuration });
  const start = decodeAuditorState(bundle.state);
  const { state, fault, at } = follow(auditor, start, bundle.updates);
  if (fault === undefined) return judgeEnd(log, auditor, state, bundle.after);
  const where = `Entry ${countText(state.treeSize)}: ${fault.message}.`;
  if (fault.code === "non-monotonic-timestamps") {
    const tree = timeless(auditor, state, bundle.updates.slice(at));
    const { after } = bundle;
    if (tree !== undefined && after !== undefined && after.treeSize === tree.treeSize)
      if (await isSignedTree(log, tree.treeSize, auditor.root(tree), after.signature))
        return proven("The log stamped time backwards", where, "The log signed a tree that holds this entry.");
  }
  const bound = await isBound(log, auditor, start, bundle.before);
  if (bound && fault.path === "removed" && removesWhatIsThere(log, state, bundle.updates[at] as Uint8Array))
    return proven(
      "A leaf is removed from the tree that the log has signed",
      where,
      "The log signed the tree before, and the update proves that the leaf is in it while taking it away. Nothing is ever removed from this log: a version of a label would vanish.",
      "The log's signature is under the tree before; the update itself is not signed. Who received it over a secure connection to the log knows that it came from there.",
    );
  return confirmed(
    "An update does not follow the entry before",
    where,
    "Updates are not signed one by one: somebody between could have altered this one, so it accuses nobody by itself.",
  );
}

/** Updates that follow the rules, and lead to another tree than the one that was signed. */
async function judgeEnd(
  log: KnownLog,
  auditor: Auditor,
  state: AuditorState,
  after: Extract<Bundle, { kind: "audit" }>["after"],
): Promise<Opinion> {
  if (after === undefined || after.treeSize !== state.treeSize || state.treeSize === 0)
    return unfounded("The updates are ones that an auditor accepts.");
  if (await isSignedTree(log, state.treeSize, auditor.root(state), after.signature))
    return unfounded("The updates are ones that an auditor accepts, and the log signed their tree.");
  return confirmed(
    "The updates lead to another tree than the one that was signed",
    `They make a tree of ${countText(state.treeSize)} entries; the signature that came with it is not over that tree.`,
    "Updates are not signed one by one: somebody between could have altered one, so it accuses nobody by itself.",
  );
}

interface Followed {
  /** Before the update that breaks a rule. */
  readonly state: AuditorState;
  readonly fault: KeytransError | undefined;
  readonly at: number;
}

function follow(auditor: Auditor, start: AuditorState, updates: readonly Uint8Array[]): Followed {
  let state = start;
  for (const [at, update] of updates.entries()) {
    try {
      ({ state } = auditor.process(state, update));
    } catch (fault) {
      if (!(fault instanceof KeytransError)) throw fault;
      return { state, fault, at };
    }
  }
  return { state, fault: undefined, at: updates.length };
}

/** The tree that updates lead to when their order in time is not looked at. */
function timeless(auditor: Auditor, from: AuditorState, updates: readonly Uint8Array[]): AuditorState | undefined {
  let state = from;
  for (const update of updates) {
    const { state: next, fault } = follow(auditor, { ...state, timestamp: 0 }, [update]);
    if (fault !== undefined) return undefined;
    state = next;
  }
  return state;
}

/** Whether the log signed the tree that the updates start from; every log starts empty. */
async function isBound(log: KnownLog, auditor: Auditor, start: AuditorState, signature: Uint8Array | undefined) {
  if (start.treeSize === 0) return true;
  return signature !== undefined && (await isSignedTree(log, start.treeSize, auditor.root(start), signature));
}

/** Whether an update that only removes proves its leaves to be in the tree before it. */
function removesWhatIsThere(log: KnownLog, state: AuditorState, bytes: Uint8Array): boolean {
  const { added, removed, proof } = decode(AuditorUpdate, bytes);
  if (added.length > 0 || proof.results.some(({ resultType }) => resultType !== "inclusion")) return false;
  try {
    return equalBytes(evaluatePrefixProof(log.kt.setting.suite, removed, proof), state.prefixRoot);
  } catch (error) {
    if (error instanceof KeytransError) return false;
    throw error;
  }
}
