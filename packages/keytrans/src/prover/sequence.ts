import { encode } from "@mls-as/tls-codec";
import { MAX_VERSION } from "../binary-ladder.js";
import { updateVersions } from "../algorithms/index.js";
import {
  type Configuration,
  type PrefixLeaf,
  TreeHeadTBS,
  UpdateTBS,
  wireFormat,
  ZERO_HASH,
} from "../structs/index.js";
import { OPENING_LENGTH, type RandomSource, type Signer } from "../suite/index.js";
import { assertTimestamp, deriveEntry } from "./entry.js";
import { LabelVrf, type ProverContext } from "./label-vrf.js";
import type { LogEntryWrites, StoredOpening, StoredVersion, StoredVrfProof } from "./store.js";

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
  const { store, configuration } = context;
  const position = (await store.head())?.treeSize ?? 0;
  assertTimestamp(timestamp, position === 0 ? undefined : (await store.entries([position - 1]))[0]);

  const batch = new Batch(context, position);
  for (const [index, change] of changes.entries()) await batch.add(index, change);
  await batch.commit();

  const { treeSize, root, ...rows } = await deriveEntry(context, batch.leaves, timestamp);
  if (rows.position !== position) return sequence(context, changes, timestamp);
  const signature = await context.signer.sign(encode(TreeHeadTBS, { config: configuration, treeSize, root }));
  return {
    rejected: batch.rejected,
    writes: {
      ...rows,
      head: { treeSize, root, signature, timestamp },
      versions: batch.versions,
      openings: batch.openings,
      vrfProofs: batch.vrfProofs,
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
  readonly #accepted: { change: LabelChange; created: readonly number[]; outputs: Promise<Uint8Array[]> }[] = [];
  /** Versions that {@link #accepted} creates. */
  #count = 0;
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
    const { label, values } = change;
    this.#seen.add(label.join());
    const next = nextVersion(change);
    const last = (change.signedVersion ?? next) + values.length - 1;
    const created = Array.from({ length: last - next + 1 }, (_, i) => next + i);
    this.#count += created.length;
    const vrf = new LabelVrf(this.#context.store, this.#context.vrfPrivateKey, label);
    const outputs = vrf.outputs(created);
    // Awaited in commit(); a failure must not count as unhandled until then.
    outputs.catch(() => undefined);
    this.#accepted.push({ change, created, outputs });
  }

  /** Makes the rows of what was added. The VRF outputs of the whole batch are computed side by side. */
  async commit(): Promise<void> {
    for (const { change, created, outputs } of this.#accepted) {
      const { label, values } = change;
      const first = change.signedVersion ?? nextVersion(change);
      for (const [i, output] of (await outputs).entries()) {
        const version = created[i] as number;
        const value = values[version - first];
        const commitment = value === undefined ? ZERO_HASH : this.#commit(label, version, value);
        this.leaves.push({ vrfOutput: output, commitment });
        this.versions.push({ label, version, position: this.#position, commitment });
        this.vrfProofs.push({ label, version, output, proof: undefined });
      }
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
    if (configuration.mode === "thirdPartyAuditing" && this.#count + created > MAX_AUDITED_CHANGES) return "batch-full";
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
