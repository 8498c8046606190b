import { decode, equalBytes } from "@mls-as/tls-codec";
import type { KeytransErrorCode } from "../errors.js";
import type { Evidence, Exchange } from "../evidence.js";
import type { EvaluatedLogTree } from "../log-tree/batch-proof.js";
import { rootValue } from "../log-tree/hashing.js";
import {
  Configuration,
  ContactMonitorRequest,
  DistinguishedRequest,
  OwnerInitRequest,
  OwnerMonitorRequest,
  SearchRequest,
  UpdateRequest,
  type WireFormat,
  wireFormat,
} from "../structs/index.js";
import { type Suite, vrfInput } from "../suite/index.js";
import { prepareDistinguished } from "./distinguished.js";
import { prepareContactMonitor, prepareOwnerMonitor } from "./monitor.js";
import type { Prepared } from "./operation.js";
import { prepareOwnerInit } from "./owner-init.js";
import type { ShownLookup } from "./received-proof.js";
import { prepareSearch } from "./search.js";
import { clientSetting } from "./setting.js";
import type { ClientState } from "./state.js";
import { decodeClientState } from "./state-codec.js";
import { prepareUpdate } from "./update.js";
import { type ClientSetting, verifyTreeHead } from "./verified-tree.js";

/** A verdict on evidence. */
export interface EvidenceVerdict {
  /** Signatures of the log alone show the misbehaviour: nobody else can have made this. */
  readonly proven: boolean;
  /**
   * The exchange breaks the rule, but part of it is signed by nobody, so that the log can deny having sent it: the version
   * claimed beside the proof, or that the log showed no newer head of its auditor. A reason to ask, not to condemn.
   */
  readonly deniable: boolean;
  /** Why it is not proven; empty where it is. */
  readonly reason: string;
}

const PROVEN: EvidenceVerdict = { proven: true, deniable: false, reason: "" };
const unproven = (reason: string): EvidenceVerdict => ({ proven: false, deniable: false, reason });
const deniable = (reason: string): EvidenceVerdict => ({ proven: false, deniable: true, reason });

/**
 * Judges evidence from its bytes and the keys in its configuration alone: replays the exchanges, and is convinced only
 * where every signature holds over trees that break the rule named. Compare `evidence.configuration` with the log you
 * know. What the accuser says of the past (its state) counts only where the log signed it.
 */
export async function verifyEvidence(suite: Suite, evidence: Evidence): Promise<EvidenceVerdict> {
  try {
    return await judge(suite, evidence);
  } catch (error) {
    return unproven(error instanceof Error ? error.message : String(error));
  }
}

/** What the replay of one exchange shows under good signatures. */
interface Replay {
  /** Rules that the exchange breaks. */
  readonly violations: ReadonlySet<KeytransErrorCode>;
  /** Label of the exchange; undefined where it has none. */
  readonly label: Uint8Array | undefined;
  readonly lookups: readonly ShownLookup[];
  /** Signed trees, one for each response. */
  readonly trees: readonly EvaluatedLogTree[];
  /** VRF outputs proven in the exchange, by version. */
  readonly outputs: ReadonlyMap<number, Uint8Array>;
  /** It started without an earlier view, so that nothing of it is the accuser's word. */
  readonly fresh: boolean;
}

async function judge(suite: Suite, evidence: Evidence): Promise<EvidenceVerdict> {
  const configuration = decode(Configuration, evidence.configuration);
  const setting = clientSetting(suite, configuration, evidence.recent);
  const wire = wireFormat(suite, configuration);
  const first = await replay(setting, wire, evidence);
  const other = evidence.other && (await replay(setting, wire, evidence.other));
  switch (evidence.kind) {
    case "fork":
      return other === undefined ? judgeViolation(first, "retained-subtree-mismatch") : judgeFork(first, other);
    case "non-monotonic-timestamps":
      return judgeViolation(first, "non-monotonic-timestamps");
    case "inconsistent-ladder":
      return judgeLadders(first, other);
    case "lagging-auditor":
      return first.violations.has("invalid-auditor-tree-head")
        ? deniable("which of its auditor's heads a log shows with a tree head is signed by nobody")
        : unproven("the auditor keeps its lag");
    case "wrong-root":
      return judgeRoot(setting, evidence.stated, first);
  }
}

function judgeViolation({ violations }: Replay, code: KeytransErrorCode): EvidenceVerdict {
  return violations.has(code) ? PROVEN : unproven("the exchange keeps this rule");
}

/** Two signed trees with different roots at one size belong to two histories. */
function judgeFork(ours: Replay, theirs: Replay): EvidenceVerdict {
  if (!ours.fresh || !theirs.fresh) return unproven("both must start without an earlier view");
  for (const a of ours.trees)
    for (const b of theirs.trees)
      for (const size of a.reachableSizes()) {
        const counterpart = b.rootAt(size);
        if (counterpart !== undefined && !equalBytes(a.rootAt(size) as Uint8Array, counterpart)) return PROVEN;
      }
  return unproven("the two trees share no size at which they differ");
}

/** Versions come in order and stay: what an entry holds, every entry right of it holds, with all versions before it. */
function judgeLadders(one: Replay, other: Replay | undefined): EvidenceVerdict {
  const { label } = one;
  if (other !== undefined && !(label && other.label && equalBytes(label, other.label)))
    return unproven("the exchanges are not about one label");
  const outputs = new Map([...one.outputs, ...(other?.outputs ?? [])]);
  const shown = [...one.lookups, ...(other?.lookups ?? [])].filter(({ version, vrfOutput }) => {
    const proven = outputs.get(version);
    return proven !== undefined && equalBytes(proven, vrfOutput);
  });
  const missing = shown.filter(({ included }) => !included);
  for (const { position, version, included } of shown)
    if (included && missing.some((lookup) => lookup.position >= position && lookup.version <= version)) return PROVEN;
  return one.violations.has("inconsistent-ladder")
    ? deniable("the trees contradict only a version claimed or remembered beside them, which is signed by nobody")
    : unproven("the exchange keeps this rule");
}

async function judgeRoot(
  setting: ClientSetting,
  stated: Evidence["stated"],
  { trees, fresh }: Replay,
): Promise<EvidenceVerdict> {
  if (stated === undefined) return unproven("no root is stated");
  if (!fresh) return unproven("the exchange must start without an earlier view");
  await verifyTreeHead(setting, stated.treeHead, stated.root);
  for (const tree of trees) {
    const root = tree.rootAt(stated.treeHead.treeSize);
    if (root !== undefined && !equalBytes(root, stated.root)) return PROVEN;
  }
  return unproven("the exchange shows no other root of that size");
}

async function replay(setting: ClientSetting, wire: WireFormat, exchange: Exchange): Promise<Replay> {
  const state = decodeClientState(exchange.state);
  if (state.view) {
    const { treeHead, heads } = state.view;
    await verifyTreeHead(setting, treeHead, rootValue(setting.suite, treeHead.treeSize, heads));
  }
  const violations = new Set<KeytransErrorCode>();
  const lookups: ShownLookup[] = [];
  const trees: EvaluatedLogTree[] = [];
  const verified = new Map<string, Uint8Array>();
  const watching: ClientSetting = {
    ...setting,
    violated: ({ code }) => void violations.add(code),
    shown: (some, tree) => {
      lookups.push(...some);
      trees.push(tree);
    },
    vrfKey: {
      bytes: setting.vrfKey.bytes,
      verify(input, proof) {
        const output = setting.vrfKey.verify(input, proof);
        verified.set(input.join(), output);
        return output;
      },
    },
  };
  const { prepared, label } = prepareAgain(watching, wire, state, exchange);
  if (!equalBytes(prepared.request, exchange.request)) throw new Error("the request does not belong to the state");
  await prepared.verify(exchange.responses, exchange.now);
  const outputs = new Map<number, Uint8Array>();
  for (const { version } of lookups) {
    const output = label && verified.get(vrfInput(label, version).join());
    if (output) outputs.set(version, output);
  }
  return { violations, label, lookups, trees, outputs, fresh: state.view === undefined };
}

interface PreparedAgain {
  readonly prepared: Prepared<unknown>;
  readonly label: Uint8Array | undefined;
}

function prepareAgain(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  { operation, request }: Exchange,
): PreparedAgain {
  const about = <T extends { readonly label: Uint8Array }>(
    asked: T,
    prepare: (setting: ClientSetting, wire: WireFormat, state: ClientState, asked: T) => Prepared<unknown>,
  ): PreparedAgain => ({ prepared: prepare(setting, wire, state, asked), label: asked.label });
  switch (operation) {
    case "search":
      return about(decode(SearchRequest, request), prepareSearch);
    case "contactMonitor":
      return about(decode(ContactMonitorRequest, request), prepareContactMonitor);
    case "ownerInit":
      return about(decode(OwnerInitRequest, request), prepareOwnerInit);
    case "ownerMonitor":
      return about(decode(OwnerMonitorRequest, request), prepareOwnerMonitor);
    case "update": {
      const { label, values } = decode(UpdateRequest, request);
      return about({ label, values: values.map(({ value }) => value) }, prepareUpdate);
    }
    case "distinguished": {
      const prepared = prepareDistinguished(setting, wire, state, decode(DistinguishedRequest, request));
      return { prepared, label: undefined };
    }
  }
}
