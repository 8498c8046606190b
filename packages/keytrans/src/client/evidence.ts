import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { KeytransError, type KeytransErrorCode } from "../errors.js";
import type { Evidence, EvidenceKind, EvidenceOperation } from "../evidence.js";
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
import type { Suite } from "../suite/index.js";
import { prepareDistinguished } from "./distinguished.js";
import { prepareContactMonitor, prepareOwnerMonitor } from "./monitor.js";
import type { Prepared } from "./operation.js";
import { prepareOwnerInit } from "./owner-init.js";
import { prepareSearch } from "./search.js";
import { clientSetting } from "./setting.js";
import { type ClientState, INITIAL_STATE, type KnownDistinguished, labelState, type TreeView } from "./state.js";
import { decodeClientState, encodeClientState } from "./state-codec.js";
import { prepareUpdate } from "./update.js";
import { type ClientSetting, verifyTreeHead } from "./verified-tree.js";

const ACCUSING: Partial<Record<KeytransErrorCode, EvidenceKind>> = {
  "retained-subtree-mismatch": "fork",
  "non-monotonic-timestamps": "non-monotonic-timestamps",
  "inconsistent-ladder": "inconsistent-ladder",
  "invalid-auditor-tree-head": "lagging-auditor",
};

/** A verdict on evidence, with the reason where it does not convince. */
export type EvidenceVerdict = { readonly proven: true } | { readonly proven: false; readonly reason: string };

/**
 * Judges evidence from its bytes and the keys in its configuration alone: replays the exchange, and is convinced only
 * where every signature holds over a tree that breaks the rule named. Compare `evidence.configuration` with the log you
 * know. That a response came from the log is as sure as its signed tree head: the tree is the log's own, the claim
 * beside it (a version in a search) is what the accuser received.
 */
export async function verifyEvidence(suite: Suite, evidence: Evidence): Promise<EvidenceVerdict> {
  try {
    return await judge(suite, evidence);
  } catch (error) {
    return { proven: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function judge(suite: Suite, evidence: Evidence): Promise<EvidenceVerdict> {
  const seen = new Set<KeytransErrorCode>();
  const configuration = decode(Configuration, evidence.configuration);
  const setting: ClientSetting = {
    ...clientSetting(suite, configuration, evidence.recent),
    violated: ({ code }) => void seen.add(code),
  };
  const state = decodeClientState(evidence.state);
  if (state.view) {
    const { treeHead, heads } = state.view;
    await verifyTreeHead(setting, treeHead, rootValue(suite, treeHead.treeSize, heads));
  }
  const wire = wireFormat(suite, configuration);
  if (evidence.other !== undefined) return judgeFork(setting, wire, evidence, evidence.other);
  const prepared = prepareAgain(setting, wire, state, evidence.operation, evidence.request);
  if (!equalBytes(prepared.request, evidence.request))
    return { proven: false, reason: "the request does not belong to the state" };
  await prepared.verify(evidence.responses, evidence.now);
  const proven = [...seen].some((code) => ACCUSING[code] === evidence.kind);
  return proven ? { proven } : { proven, reason: "the exchange keeps this rule" };
}

/** Two signed trees with different roots at one size belong to two histories. */
async function judgeFork(
  setting: ClientSetting,
  wire: WireFormat,
  evidence: Evidence,
  other: NonNullable<Evidence["other"]>,
): Promise<EvidenceVerdict> {
  const strict: ClientSetting = { ...setting, violated: refuseViolation };
  const roots: Map<number, Uint8Array>[] = [];
  for (const { request, response, now } of [{ ...evidence, response: evidence.responses[0] as Uint8Array }, other]) {
    const { last, stop } = decode(DistinguishedRequest, request);
    if (last !== undefined) return { proven: false, reason: "a walk must start without an earlier view" };
    const { result, state } = await prepareDistinguished(strict, wire, INITIAL_STATE, { stop }).verify(response, now);
    const view = state.view as TreeView;
    roots.push(new Map([...result.heads.map(rootBySize), [view.treeHead.treeSize, view.root] as const]));
  }
  const [ours, theirs] = roots as [Map<number, Uint8Array>, Map<number, Uint8Array>];
  for (const [size, root] of ours) {
    const counterpart = theirs.get(size);
    if (counterpart !== undefined && !equalBytes(root, counterpart)) return { proven: true };
  }
  return { proven: false, reason: "the two trees share no size at which they differ" };
}

const rootBySize = ({ position, root }: KnownDistinguished) => [position + 1, root] as const;

function refuseViolation(violation: KeytransError): never {
  throw violation;
}

/**
 * Evidence of a fork out of two walks of distinguished heads, each made without an earlier view: one's own, and one from
 * another user or an anonymous channel. Undefined where they do not prove one.
 */
export async function forkEvidence(
  setting: ClientSetting,
  own: { readonly request: Uint8Array; readonly response: Uint8Array; readonly now: number },
  other: { readonly request: Uint8Array; readonly response: Uint8Array; readonly now: number },
): Promise<Evidence | undefined> {
  const evidence: Evidence = {
    kind: "fork",
    configuration: encode(Configuration, setting.configuration),
    recent: setting.recent,
    operation: "distinguished",
    state: encodeClientState(INITIAL_STATE),
    request: own.request,
    responses: [own.response],
    now: own.now,
    other,
  };
  return (await verifyEvidence(setting.suite, evidence)).proven ? evidence : undefined;
}

function prepareAgain(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  operation: EvidenceOperation,
  request: Uint8Array,
): Prepared<unknown> {
  switch (operation) {
    case "search":
      return prepareSearch(setting, wire, state, decode(SearchRequest, request));
    case "contactMonitor":
      return prepareContactMonitor(setting, wire, state, decode(ContactMonitorRequest, request));
    case "ownerInit":
      return prepareOwnerInit(setting, wire, state, decode(OwnerInitRequest, request));
    case "ownerMonitor":
      return prepareOwnerMonitor(setting, wire, state, decode(OwnerMonitorRequest, request));
    case "update": {
      const { label, values } = decode(UpdateRequest, request);
      return prepareUpdate(setting, wire, state, { label, values: values.map(({ value }) => value) });
    }
    case "distinguished":
      return prepareDistinguished(setting, wire, state, decode(DistinguishedRequest, request));
  }
}

/** Adds evidence to refusals that prove misbehaviour. */
export function accusing<R>(
  setting: ClientSetting,
  state: ClientState,
  operation: EvidenceOperation,
  label: Uint8Array | undefined,
  prepared: Prepared<R>,
): Prepared<R> {
  const { request } = prepared;
  return {
    request,
    async verify(response, now) {
      try {
        return await prepared.verify(response, now);
      } catch (error) {
        const kind = error instanceof KeytransError ? ACCUSING[error.code] : undefined;
        if (kind === undefined) throw error;
        const concerned = label && labelState(state, label);
        const evidence: Evidence = {
          kind,
          configuration: encode(Configuration, setting.configuration),
          recent: setting.recent,
          operation,
          state: encodeClientState({ view: state.view, distinguished: [], labels: concerned ? [concerned] : [] }),
          request,
          responses: response instanceof Uint8Array ? [response] : response,
          now,
        };
        if ((await verifyEvidence(setting.suite, evidence)).proven) (error as KeytransError).evidence = evidence;
        throw error;
      }
    },
  };
}
