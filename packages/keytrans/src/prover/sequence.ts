import { compareBytes, encode } from "@mls-as/tls-codec";
import { MAX_VERSION } from "../binary-ladder.js";
import { updateVersions } from "../algorithms/index.js";
import { appendLeaf, leafValue, rootValue } from "../log-tree/hashing.js";
import { fullSubtrees } from "../log-tree/subtrees.js";
import { insertLeaves } from "../prefix-tree/insert.js";
import { NO_CHILD } from "../prefix-tree/node.js";
import { provePrefixSearch } from "../prefix-tree/search.js";
import {
  AuditorUpdate,
  type Configuration,
  type PrefixLeaf,
  TreeHeadTBS,
  UpdateTBS,
  wireFormat,
  ZERO_HASH,
} from "../structs/index.js";
import { OPENING_LENGTH, type RandomSource, type Signer } from "../suite/index.js";
import { ProverError } from "./errors.js";
import { LabelVrf, type ProverContext } from "./label-vrf.js";
import type { LogEntryWrites, StoredEntry, StoredOpening, StoredVersion, StoredVrfProof } from "./store.js";

/** New versions of one label. */
export interface LabelChange {
  readonly label: Uint8Array;
  /** The version that this change builds on; undefined for a new label. */
  readonly greatestVersion: number | undefined;
  /** In order of their versions; `suffix` is the Service Operator's signature in third-party management. */
  readonly values: readonly { readonly value: Uint8Array; readonly suffix?: Uint8Array | undefined }[];
  /** Third-party management: the version that the first signature is for; versions before it are skipped. */
  readonly signedVersion?: number | undefined;
}

export type RejectionCode =
  /** Another version was created first, or the batch already changes this label: plan the update again. */
  | "stale-version"
  /** One log entry cannot hold it beside the rest of the batch: put it into the next one. */
  | "batch-full"
  | "too-many-values"
  | "nothing-to-update"
  | "invalid-update-signature";

export interface Rejection {
  /** Index into the batch. */
  readonly index: number;
  readonly code: RejectionCode;
}

export interface Sequenced {
  readonly writes: LogEntryWrites;
  readonly rejected: readonly Rejection[];
}

export interface SequenceContext extends ProverContext {
  readonly configuration: Configuration;
  /** The key that signs tree heads. */
  readonly signer: Signer;
  readonly random: RandomSource;
}

/** Changes that one audited log entry can hold: `AuditorUpdate.proof.results` counts in one byte. */
export const MAX_AUDITED_CHANGES = 255;
/** Versions that one `UpdateResponse` can list. */
const MAX_LISTED = 255;

/**
 * Makes the next log entry out of a batch of changes; without changes, a heartbeat, or the genesis entry of an empty log.
 * Reads the store and writes nothing: the caller persists the result by compare-and-swap. `timestamp` in milliseconds.
 * Draft sections "Combined Tree" and "Updating a Label".
 * @throws ProverError invalid-timestamp
 */
export async function sequence(
  context: SequenceContext,
  changes: readonly LabelChange[],
  timestamp: number,
): Promise<Sequenced> {
  const { suite, store, configuration } = context;
  const position = (await store.head())?.treeSize ?? 0;
  const previous = position === 0 ? undefined : ((await store.entries([position - 1]))[0] as StoredEntry);
  if (!Number.isSafeInteger(timestamp) || timestamp < (previous?.timestamp ?? 0))
    throw new ProverError("invalid-timestamp", "timestamps must not decrease", "Combined Tree", "timestamp");

  const batch = new Batch(context, position);
  for (const [index, change] of changes.entries()) await batch.add(index, change);

  const before = previous ? { id: previous.prefixNode, value: previous.prefixRoot } : NO_CHILD;
  const inserted = await insertLeaves(suite, store, before, batch.leaves, previous?.nextNode ?? 1);
  const entry: StoredEntry = {
    position,
    timestamp,
    prefixRoot: inserted.root.value,
    prefixNode: inserted.root.id,
    nextNode: inserted.nextId,
  };
  const leaf = leafValue(suite, { timestamp, prefixTree: entry.prefixRoot });
  const appended = appendLeaf(suite, position, await store.logNodes(fullSubtrees(position)), leaf);
  const treeSize = position + 1;
  const root = rootValue(suite, treeSize, appended.heads);
  const signature = await context.signer.sign(encode(TreeHeadTBS, { config: configuration, treeSize, root }));

  const audited = configuration.mode === "thirdPartyAuditing";
  const added = audited ? [...batch.leaves].sort((a, b) => compareBytes(a.vrfOutput, b.vrfOutput)) : [];
  const keys = added.map((change) => change.vrfOutput);
  const auditorUpdate = audited
    ? encode(AuditorUpdate, { timestamp, added, removed: [], proof: await provePrefixSearch(store, before, keys) })
    : undefined;
  return {
    rejected: batch.rejected,
    writes: {
      position,
      head: { treeSize, root, signature, timestamp },
      entry,
      logNodes: appended.nodes,
      prefixNodes: inserted.nodes,
      superseded: inserted.superseded,
      versions: batch.versions,
      openings: batch.openings,
      vrfProofs: batch.vrfProofs,
      auditorUpdate,
    },
  };
}

/** Collects the rows of one log entry. */
class Batch {
  readonly leaves: PrefixLeaf[] = [];
  readonly versions: StoredVersion[] = [];
  readonly openings: StoredOpening[] = [];
  readonly vrfProofs: StoredVrfProof[] = [];
  readonly rejected: Rejection[] = [];
  readonly #context: SequenceContext;
  readonly #position: number;
  readonly #seen = new Set<string>();
  readonly #wire;

  constructor(context: SequenceContext, position: number) {
    this.#context = context;
    this.#position = position;
    this.#wire = wireFormat(context.suite, context.configuration);
  }

  async add(index: number, change: LabelChange): Promise<void> {
    const code = await this.#refusal(change);
    if (code !== undefined) {
      this.rejected.push({ index, code });
      return;
    }
    this.#seen.add(change.label.join());
    const next = nextVersion(change);
    const first = change.signedVersion ?? next;
    const vrf = new LabelVrf(this.#context.store, this.#context.vrfPrivateKey, change.label);
    const last = first + change.values.length - 1;
    const created = Array.from({ length: last - next + 1 }, (_, i) => next + i);
    const outputs = await vrf.outputs(created);
    for (const [i, version] of created.entries()) {
      const output = outputs[i] as Uint8Array;
      const value = change.values[version - first];
      const commitment = value === undefined ? ZERO_HASH : this.#commit(change.label, version, value);
      this.leaves.push({ vrfOutput: output, commitment });
      this.versions.push({ label: change.label, version, position: this.#position, commitment });
      this.vrfProofs.push({ label: change.label, version, output, proof: undefined });
    }
  }

  #commit(label: Uint8Array, version: number, { value, suffix }: LabelChange["values"][number]): Uint8Array {
    const { suite, random } = this.#context;
    const opening = random(OPENING_LENGTH);
    this.openings.push({ label, version, opening, value, suffix });
    const update = encode(this.#wire.UpdateValue, { value, suffix: suffix === undefined ? {} : { signature: suffix } });
    return suite.commitment(opening, label, version, update);
  }

  async #refusal(change: LabelChange): Promise<RejectionCode | undefined> {
    const { store, configuration } = this.#context;
    const { label, values, greatestVersion, signedVersion } = change;
    if (values.length === 0) return "nothing-to-update";
    const current = this.#position === 0 ? [] : await store.greatestVersions(label, [this.#position - 1]);
    if (current[0] !== greatestVersion || this.#seen.has(label.join())) return "stale-version";
    const next = nextVersion(change);
    if (signedVersion !== undefined && signedVersion < next) return "stale-version";
    const last = (signedVersion ?? next) + values.length - 1;
    const created = last - next + 1;
    if (last > MAX_VERSION || created > MAX_LISTED || updateVersions(greatestVersion, last).length > MAX_LISTED)
      return "too-many-values";
    if (configuration.mode === "thirdPartyAuditing" && this.leaves.length + created > MAX_AUDITED_CHANGES)
      return "batch-full";
    if (configuration.mode === "thirdPartyManagement") return this.#signatureRefusal(change);
    return undefined;
  }

  async #signatureRefusal(change: LabelChange): Promise<RejectionCode | undefined> {
    const { suite, configuration } = this.#context;
    if (configuration.mode !== "thirdPartyManagement") return undefined;
    const key = suite.importSignatureKey(configuration.leafPublicKey);
    const first = change.signedVersion ?? nextVersion(change);
    for (const [i, { value, suffix }] of change.values.entries()) {
      const tbs = encode(UpdateTBS, { config: configuration, label: change.label, version: first + i, value });
      if (suffix === undefined || !(await key.verify(tbs, suffix))) return "invalid-update-signature";
    }
    return undefined;
  }
}

const nextVersion = ({ greatestVersion }: LabelChange): number =>
  greatestVersion === undefined ? 0 : greatestVersion + 1;
