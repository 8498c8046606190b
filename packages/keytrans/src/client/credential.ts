import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { contactMonitor, greatestVersionSearch } from "../algorithms/index.js";
import { baseBinaryLadder, SearchLadder } from "../binary-ladder.js";
import { KeytransError, orMalformed } from "../errors.js";
import { evaluatePrefixProof, type SearchedKey } from "../prefix-tree/evaluate.js";
import {
  CredentialUpdate,
  CredentialUpdateRequest,
  type KtCredential,
  type PrefixProof,
  type WireFormat,
} from "../structs/index.js";
import { checkCommitments, verifyLadder } from "./label-versions.js";
import { verifyUpdateValue } from "./operation.js";
import type { KnownVersions } from "./received-proof.js";
import type { ClientState, KnownDistinguished } from "./state.js";
import { type ClientSetting, type RetainedTree, runProof, verifyTreeHead } from "./verified-tree.js";

const SECTION = "Credentials";

/** What a credential says, once it passed (initial) verification. */
export interface CredentialResult {
  readonly label: Uint8Array;
  readonly version: number;
  readonly value: Uint8Array;
  /** The distinguished entry it relies on. */
  readonly position: number;
  /** True for a standard credential. */
  readonly final: boolean;
  /** What final verification of a provisional credential needs; keep it until then. */
  readonly pending: PendingCredential | undefined;
}

/** A provisional credential after initial verification. It is not part of `ClientState`, and never changes it. */
export interface PendingCredential {
  readonly label: Uint8Array;
  readonly version: number;
  readonly value: Uint8Array;
  /** The distinguished entry it relies on: when that is no longer recent, the credential has expired. */
  readonly position: number;
  /** Terminal log entry of the credential's search. */
  readonly terminal: number;
  /** Prefix tree root of that entry. */
  readonly prefixRoot: Uint8Array;
  /** The log as the credential shows it. */
  readonly tree: RetainedTree;
  /** VRF outputs and commitments of the version's ladder. */
  readonly versions: ReadonlyMap<number, SearchedKey>;
}

/**
 * Verifies a credential against the distinguished heads in `state`; initially, if it is provisional. Draft section
 * "Credentials". It never asks for the log to be contacted: `unknown-distinguished-head` means keep or drop it.
 * @throws KeytransError
 */
export async function verifyCredential(
  setting: ClientSetting,
  wire: WireFormat,
  state: ClientState,
  bytes: Uint8Array,
): Promise<CredentialResult> {
  const credential = orMalformed(SECTION, "credential", () => decode(wire.Credential, bytes));
  const { label, version, position, binaryLadder } = credential;
  const known = knownAt(state, position);
  await verifyUpdateValue(setting, label, version, credential.value, "value.suffix");
  const ladder = baseBinaryLadder(version);
  const versions = verifyLadder(setting.vrfKey, label, ladder, binaryLadder, SECTION);
  checkCommitments(binaryLadder, ladder, (step) => step < version, SECTION);
  const update = encode(wire.UpdateValue, credential.value);
  const commitment = setting.suite.commitment(credential.opening, label, version, update);
  versions.set(version, { vrfOutput: (versions.get(version) as SearchedKey).vrfOutput, commitment });

  const result = { label, version, value: credential.value.value, position };
  if (credential.credentialType === "standard") {
    verifyStandard(setting, known, versions, version, credential.distinguished);
    return { ...result, final: true, pending: undefined };
  }
  return { ...result, final: false, pending: await verifyProvisional(setting, known, versions, credential) };
}

function knownAt(state: ClientState, position: number): KnownDistinguished {
  const known = state.distinguished.find((entry) => entry.position === position);
  if (known === undefined)
    throw new KeytransError(
      "unknown-distinguished-head",
      `entry ${position} is not a recent distinguished entry known here`,
      SECTION,
      "position",
    );
  return known;
}

function verifyStandard(
  setting: ClientSetting,
  known: KnownDistinguished,
  versions: KnownVersions,
  version: number,
  proof: PrefixProof,
): void {
  const ladder = new SearchLadder(version);
  const keys: SearchedKey[] = [];
  for (const result of proof.results) {
    const next = ladder.next();
    if (next === undefined) throw ladderCount();
    keys.push(versions.get(next) as SearchedKey);
    ladder.answer(result.resultType === "inclusion");
  }
  if (ladder.next() !== undefined) throw ladderCount();
  if (ladder.comparison !== 0)
    throw new KeytransError("inconsistent-ladder", "not the greatest version", "Standard", "distinguished");
  if (!equalBytes(evaluatePrefixProof(setting.suite, keys, proof), known.prefixRoot))
    throw new KeytransError(
      "distinguished-head-mismatch",
      "the proof is not from the distinguished entry",
      "Standard",
      "distinguished",
    );
}

function ladderCount(): KeytransError {
  return new KeytransError(
    "unexpected-count",
    "not as many results as the ladder takes",
    "Standard",
    "distinguished.results",
  );
}

async function verifyProvisional(
  setting: ClientSetting,
  known: KnownDistinguished,
  versions: KnownVersions,
  credential: Extract<KtCredential, { credentialType: "provisional" }>,
): Promise<PendingCredential> {
  const { label, version, position, treeHead } = credential;
  const size = treeHead.treeSize;
  if (size <= position)
    throw new KeytransError(
      "invalid-tree-size",
      "the tree ends before the position",
      "Provisional",
      "treeHead.treeSize",
    );
  const retained: RetainedTree = { size: position + 1, heads: known.heads, frontier: known.frontier };
  const { outcome, proven } = await runProof(setting, credential.search, versions, size, retained, undefined, (log) =>
    greatestVersionSearch(log, version),
  );
  if (outcome.position <= position)
    throw new KeytransError("invalid-position", "a standard credential could have been made", "Provisional", "search");
  await verifyTreeHead(setting, treeHead, proven.tree.root);
  const entry = proven.entry(outcome.position) as { prefixRoot: Uint8Array };
  return {
    label,
    version,
    value: credential.value.value,
    position,
    terminal: outcome.position,
    prefixRoot: entry.prefixRoot,
    tree: { size, heads: proven.tree.heads, frontier: proven.frontier },
    versions,
  };
}

/** The request that obtains the `CredentialUpdate` for a pending credential from the log. */
export function credentialUpdateRequest({ label, version, terminal, tree }: PendingCredential): Uint8Array {
  return encode(CredentialUpdateRequest, { label, version, position: terminal, treeSize: tree.size });
}

/**
 * Finally verifies a provisional credential whose terminal entry has become distinguished. False: it has not, as far as
 * `state` knows. @throws KeytransError distinguished-head-mismatch: the log showed two trees
 */
export function finalizeCredential(state: ClientState, pending: PendingCredential): boolean {
  const known = state.distinguished.find(({ position }) => position === pending.terminal);
  if (known === undefined) return false;
  if (!equalBytes(known.prefixRoot, pending.prefixRoot))
    throw new KeytransError(
      "distinguished-head-mismatch",
      `entry ${pending.terminal} differs from the one in the credential`,
      "Provisional",
      "search",
    );
  return true;
}

/**
 * Finally verifies a provisional credential with a `CredentialUpdate`. Draft section "Provisional".
 * @throws KeytransError unknown-distinguished-head: keep the update until `state` knows the head it leads to
 */
export async function verifyCredentialUpdate(
  setting: ClientSetting,
  state: ClientState,
  pending: PendingCredential,
  bytes: Uint8Array,
): Promise<void> {
  const { monitor } = orMalformed("Provisional", "update", () => decode(CredentialUpdate, bytes));
  const known = state.distinguished.find(({ position }) => position > pending.terminal);
  if (known === undefined)
    throw new KeytransError(
      "unknown-distinguished-head",
      `no distinguished entry right of ${pending.terminal} is known here`,
      "Provisional",
      "update",
    );
  const size = known.position + 1;
  if (size <= pending.tree.size)
    throw new KeytransError(
      "distinguished-head-mismatch",
      "the distinguished entry lies inside the credential's tree, whose terminal entry it skips",
      "Provisional",
      "update",
    );
  const entries = [{ position: pending.terminal, version: pending.version }];
  const { proven } = await runProof(setting, monitor, pending.versions, size, pending.tree, undefined, async (log) => {
    if (setting.configuration.mode === "contactMonitoring") await contactMonitor(log, entries, undefined);
  });
  if (!equalBytes(proven.tree.root, known.root))
    throw new KeytransError(
      "distinguished-head-mismatch",
      `the log at entry ${known.position} differs from the one known here`,
      "Provisional",
      "update",
    );
}
