import { appendLeaf, AuditorUpdate, KeytransError, leafValue } from "@mls-as/keytrans";
import { type Auditor, type AuditorState, createAuditor, decodeAuditorState } from "@mls-as/keytrans/auditor";
import type { KnownLog } from "@mls-as/kt-client";
import { decode } from "@mls-as/tls-codec";
import { isSignedTree } from "../log-signature.js";
import { countText } from "../terminal/time-text.js";
import type { Bundle } from "./bundle-kinds.js";
import { confirmed, type Opinion, proven, unfounded } from "./judgement.js";
import { rootsAfterRemoval } from "./removal.js";

type AuditBundle = Extract<Bundle, { kind: "audit" }>;

/**
 * Follows the updates of a bundle up to the one that breaks a rule, and on to the tree that the log signed. Updates are
 * signed by nobody: what is proven is only what that signature is over, the offending entry and the one before it included.
 */
export async function judgeAuditBundle(log: KnownLog, bundle: AuditBundle): Promise<Opinion> {
  const auditor = createAuditor({ suite: log.kt.setting.suite, configuration: log.configuration });
  const start = decodeAuditorState(bundle.state);
  const { state, fault, at } = follow(auditor, start, bundle.updates);
  if (fault === undefined) return judgeEnd(log, auditor, state, bundle.after);
  const where = `Entry ${countText(state.treeSize)}: ${fault.message}.`;
  // The time and prefix tree of the start are only the accuser's word: an entry must stand between them and the fault.
  const established = at > 0 || start.treeSize === 0;
  const rest = bundle.updates.slice(at);
  if (
    established &&
    fault.code === "non-monotonic-timestamps" &&
    (await isSignedAfter(log, auditor, timeless(auditor, state, rest), bundle))
  )
    return proven(
      "The log stamped time backwards",
      where,
      "The log signed a tree that holds this entry and the one before.",
    );
  if (established && fault.path === "removed")
    for (const next of removals(log, state, rest[0] as Uint8Array)) {
      const { state: end, fault: further } = follow(auditor, next, rest.slice(1));
      if (further === undefined && (await isSignedAfter(log, auditor, end, bundle)))
        return proven(
          "A leaf is removed from the log's tree",
          where,
          "The log signed a tree whose next entry lacks a leaf that the entry before holds. Nothing is ever removed from this log: a version of a label would vanish.",
        );
    }
  return confirmed(
    "An update does not follow the entry before",
    where,
    "Updates are not signed one by one, and the tree that the log signed does not show the fault by itself: somebody between could have altered the update, so it accuses nobody.",
  );
}

/** Updates that follow the rules, and lead to another tree than the one that was signed. */
async function judgeEnd(
  log: KnownLog,
  auditor: Auditor,
  state: AuditorState,
  after: AuditBundle["after"],
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

/** The trees that an update may make which takes leaves away. */
function removals(log: KnownLog, state: AuditorState, bytes: Uint8Array): AuditorState[] {
  const { suite } = log.kt.setting;
  const { timestamp } = decode(AuditorUpdate, bytes);
  return rootsAfterRemoval(suite, bytes, state.prefixRoot).map((prefixRoot) => {
    const leaf = leafValue(suite, { timestamp, prefixTree: prefixRoot });
    const { heads } = appendLeaf(suite, state.treeSize, state.heads, leaf);
    return { ...state, treeSize: state.treeSize + 1, timestamp, prefixRoot, heads };
  });
}

async function isSignedAfter(
  log: KnownLog,
  auditor: Auditor,
  state: AuditorState | undefined,
  { after }: AuditBundle,
): Promise<boolean> {
  if (state === undefined || after === undefined || after.treeSize !== state.treeSize) return false;
  return isSignedTree(log, state.treeSize, auditor.root(state), after.signature);
}
