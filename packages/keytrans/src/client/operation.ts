import { type Codec, decode, encode } from "@mls-as/tls-codec";
import type { LogView } from "../algorithms/index.js";
import { KeytransError, orMalformed } from "../errors.js";
import { type CombinedTreeProof, type FullTreeHead, type UpdateValue, UpdateTBS } from "../structs/index.js";
import type { KnownVersions } from "./received-proof.js";
import type { ClientState, TreeView } from "./state.js";
import {
  auditedSize,
  type ClientSetting,
  claimedSize,
  type ProvenTree,
  type RetainedTree,
  runProof,
  verifyFullTreeHead,
} from "./verified-tree.js";

/** A request and the only function that can make sense of its response. */
export interface Prepared<R> {
  readonly request: Uint8Array;
  /**
   * Verifies a response (a list where the draft allows several) and gives the result with the next state. The state
   * that the request was made from stays as it is. `now` in milliseconds.
   * @throws KeytransError
   */
  verify(response: Uint8Array | readonly Uint8Array[], now: number): Promise<Verified<R>>;
}

export interface Verified<R> {
  readonly result: R;
  readonly state: ClientState;
}

/** Decodes a response. @throws KeytransError malformed */
export function decodeResponse<T>(codec: Codec<T>, response: Uint8Array, section: string): T {
  return orMalformed(section, "response", () => decode(codec, response));
}

/** Encodes a request from arguments that may not fit it. @throws KeytransError invalid-argument */
export function encodeRequest<T>(codec: Codec<T>, request: T, section: string): Uint8Array {
  try {
    return encode(codec, request);
  } catch (error) {
    throw new KeytransError("invalid-argument", error instanceof Error ? error.message : String(error), section);
  }
}

/** For operations that have one response. */
export function onlyResponse(response: Uint8Array | readonly Uint8Array[], section: string): Uint8Array {
  const only = response instanceof Uint8Array ? response : response[0];
  if (only === undefined || (!(response instanceof Uint8Array) && response.length !== 1))
    throw new KeytransError("unexpected-count", "exactly one response is due", section);
  return only;
}

/** The tree size to advertise. */
export const lastSize = (state: ClientState): number | undefined => state.view?.treeHead.treeSize;

export function retainedTree(view: TreeView | undefined): RetainedTree | undefined {
  return view && { size: view.treeHead.treeSize, heads: view.heads, frontier: view.frontier };
}

/** A response's proof, executed and bound to its tree head. */
export interface VerifiedProof<T> {
  readonly outcome: T;
  readonly view: TreeView;
  readonly proven: ProvenTree;
}

/** Runs `algorithms` over a response's proof and verifies its tree head. */
export async function verifyResponse<T>(
  setting: ClientSetting,
  state: ClientState,
  head: FullTreeHead,
  proof: CombinedTreeProof,
  versions: KnownVersions,
  now: number,
  algorithms: (view: LogView) => Promise<T>,
): Promise<VerifiedProof<T>> {
  const size = claimedSize(head, state.view);
  const retained = retainedTree(state.view);
  const { outcome, proven } = await runProof(setting, proof, versions, size, retained, auditedSize(head), algorithms);
  const view = await verifyFullTreeHead(setting, head, proven, state.view, now);
  setting.observed?.(proven);
  return { outcome, proven, view };
}

/** Verifies the Service Operator's signature over a value, where there is one. Draft section "Update Format". */
export async function verifyUpdateValue(
  setting: ClientSetting,
  label: Uint8Array,
  version: number,
  { value, suffix }: UpdateValue,
  path: string,
): Promise<void> {
  if (setting.leafKey === undefined) return;
  const tbs = encode(UpdateTBS, { config: setting.configuration, label, version, value });
  if (suffix.signature === undefined || !(await setting.leafKey.verify(tbs, suffix.signature)))
    throw new KeytransError(
      "invalid-update-signature",
      `the operator did not sign version ${version}`,
      "Update Format",
      path,
    );
}
