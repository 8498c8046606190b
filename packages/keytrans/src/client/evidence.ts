import { encode } from "@mls-as/tls-codec";
import { KeytransError, type KeytransErrorCode } from "../errors.js";
import type { Evidence, EvidenceKind, EvidenceOperation, Exchange, StatedRoot } from "../evidence.js";
import { Configuration } from "../structs/index.js";
import { verifyEvidence } from "./evidence-verdict.js";
import type { Prepared } from "./operation.js";
import { type ClientState, INITIAL_STATE, labelState } from "./state.js";
import { encodeClientState } from "./state-codec.js";
import type { ClientSetting } from "./verified-tree.js";

const ACCUSING: Partial<Record<KeytransErrorCode, EvidenceKind>> = {
  "retained-subtree-mismatch": "fork",
  "non-monotonic-timestamps": "non-monotonic-timestamps",
  "inconsistent-ladder": "inconsistent-ladder",
  "invalid-auditor-tree-head": "lagging-auditor",
};

/** A walk of distinguished heads made without an earlier view, as it went over the wire. */
export interface Walk {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** When the response came, milliseconds. */
  readonly now: number;
}

const exchanged = ({ request, response, now }: Walk): Exchange => ({
  operation: "distinguished",
  state: encodeClientState(INITIAL_STATE),
  request,
  responses: [response],
  now,
});

/** The evidence, where it convinces. */
async function convincing(
  { suite, configuration, recent }: ClientSetting,
  evidence: Omit<Evidence, "configuration" | "recent">,
): Promise<Evidence | undefined> {
  const whole: Evidence = { ...evidence, configuration: encode(Configuration, configuration), recent };
  return (await verifyEvidence(suite, whole)).proven ? whole : undefined;
}

/**
 * Evidence of a fork out of two walks of distinguished heads, each made without an earlier view: one's own, and one from
 * another user or an anonymous channel. Undefined where they do not prove one.
 */
export async function forkEvidence(setting: ClientSetting, own: Walk, other: Walk): Promise<Evidence | undefined> {
  return convincing(setting, { kind: "fork", ...exchanged(own), other: exchanged(other) });
}

/**
 * Evidence that a label's version went missing, out of two exchanges about one label: in a tree that the log signed for
 * one of them the version is there, in one signed for the other it is not, at that entry or right of it. Undefined where
 * they do not prove it.
 */
export async function ladderEvidence(
  setting: ClientSetting,
  one: Exchange,
  other: Exchange,
): Promise<Evidence | undefined> {
  return convincing(setting, { kind: "inconsistent-ladder", ...one, other });
}

/**
 * Evidence that a good signature was made over a root which is not the log's, out of the stated root and a walk of
 * distinguished heads made without an earlier view. Undefined where the walk does not reach that size, or agrees.
 */
export async function wrongRootEvidence(
  setting: ClientSetting,
  stated: StatedRoot,
  walk: Walk,
): Promise<Evidence | undefined> {
  return convincing(setting, { kind: "wrong-root", ...exchanged(walk), stated });
}

/** An operation's request and responses as evidence has them: of the state, only what the operation used. */
export function exchangeOf(
  state: ClientState,
  operation: EvidenceOperation,
  label: Uint8Array | undefined,
  request: Uint8Array,
  response: Uint8Array | readonly Uint8Array[],
  now: number,
): Exchange {
  const concerned = label && labelState(state, label);
  return {
    operation,
    state: encodeClientState({ view: state.view, distinguished: [], labels: concerned ? [concerned] : [] }),
    request,
    responses: response instanceof Uint8Array ? [response] : response,
    now,
  };
}

/** Adds evidence to refusals that show misbehaviour, also where part of what shows it is signed by nobody. */
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
        const evidence: Evidence = {
          kind,
          configuration: encode(Configuration, setting.configuration),
          recent: setting.recent,
          ...exchangeOf(state, operation, label, request, response, now),
        };
        const { proven, deniable } = await verifyEvidence(setting.suite, evidence);
        if (proven || deniable) (error as KeytransError).evidence = evidence;
        throw error;
      }
    },
  };
}
