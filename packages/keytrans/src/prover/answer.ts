import { type Codec, decode } from "@mls-as/tls-codec";
import { Inspection, type LogView, type RetainedEntry, updateView } from "../algorithms/index.js";
import { KeytransError, orMalformed } from "../errors.js";
import { frontier } from "../search-tree.js";
import {
  AuditorTreeHead,
  type BinaryLadderStep,
  type CombinedTreeProof,
  type Configuration,
  type FullTreeHead,
  type UpdateSuffix,
  type UpdateValue,
  type WireFormat,
} from "../structs/index.js";
import { ProverError, type ProverErrorCode } from "./errors.js";
import { LabelVrf, type ProverContext } from "./label-vrf.js";
import { DEFAULT_PAGE_SIZE, RecordedProof } from "./recorded-proof.js";
import type { StoredHead } from "./store.js";

/** What every operation of a prover needs. */
export interface ProverSetting extends ProverContext {
  readonly configuration: Configuration;
  readonly wire: WireFormat;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
  /** Most ladders in one owner monitoring response. */
  readonly pageSize?: number | undefined;
}

/** Decodes a request. @throws ProverError malformed */
export function decodeRequest<T>(codec: Codec<T>, section: string, request: Uint8Array): T {
  return refusing(() => orMalformed(section, "request", () => decode(codec, request)));
}

const REFUSALS: Partial<Record<KeytransError["code"], ProverErrorCode>> = {
  malformed: "malformed",
  "not-found": "version-unknown",
  expired: "version-expired",
  "invalid-start": "invalid-start",
  "non-monotonic-versions": "invalid-entries",
};

function asProverError(error: unknown): unknown {
  if (!(error instanceof KeytransError)) return error;
  return new ProverError(REFUSALS[error.code] ?? "unprovable", error.message, error.section, error.path);
}

function refusing<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asProverError(error);
  }
}

/** Runs algorithms for a prover: what they refuse becomes a refusal of the request. */
export async function answering<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asProverError(error);
  }
}

export async function currentHead({ store }: ProverSetting): Promise<StoredHead> {
  const head = await store.head();
  if (head === undefined) throw new ProverError("empty-log", "the log has no entry yet", "Log Tree");
  return head;
}

/** One response in the making: the tree it shows, and the record of what the algorithms asked for. */
export class Answer {
  readonly head: StoredHead;
  readonly recorded: RecordedProof;
  readonly view: LogView;
  readonly vrf: LabelVrf;
  readonly #setting: ProverSetting;
  readonly #last: number | undefined;

  private constructor(
    setting: ProverSetting,
    head: StoredHead,
    recorded: RecordedProof,
    view: LogView,
    vrf: LabelVrf,
    last: number | undefined,
  ) {
    this.#setting = setting;
    this.head = head;
    this.recorded = recorded;
    this.view = view;
    this.vrf = vrf;
    this.#last = last;
  }

  /** Opens a response to a user who advertised `last`, and updates its view. @throws ProverError */
  static async open(setting: ProverSetting, last: number | undefined, label: Uint8Array = NO_LABEL): Promise<Answer> {
    const head = await currentHead(setting);
    if (last !== undefined && (last === 0 || last > head.treeSize))
      throw new ProverError("invalid-last", `tree size ${last} was never shown`, "User Operations", "last");
    try {
      return await Answer.at(setting, head, last, label);
    } catch (error) {
      if (!(error instanceof ProverError) || error.code !== "version-expired" || last === undefined) throw error;
      const message = `the log entries that a user who saw ${last} would need were pruned: it must start anew`;
      throw new ProverError("invalid-last", message, "Maximum Lifetime", "last");
    }
  }

  /** Opens a proof about a given head, for a user who knows the log at `last` entries. */
  static async at(
    setting: ProverSetting,
    head: StoredHead,
    last: number | undefined,
    label: Uint8Array = NO_LABEL,
  ): Promise<Answer> {
    const vrf = new LabelVrf(setting.store, setting.vrfPrivateKey, label);
    const { maximumLifetime } = setting.configuration;
    const expiredAt = maximumLifetime === undefined ? undefined : head.timestamp - Number(maximumLifetime);
    const pageSize = setting.pageSize ?? DEFAULT_PAGE_SIZE;
    const recorded = new RecordedProof(setting.store, { label, vrf }, pageSize, expiredAt);
    const retained: RetainedEntry[] = [];
    if (last !== undefined)
      for (const position of frontier(last)) {
        const { timestamp, prefixRoot } = await recorded.entry(position);
        retained.push({ position, timestamp, prefixRoot });
      }
    const inspection = new Inspection(recorded, retained);
    const view: LogView = { inspection, size: head.treeSize, configuration: setting.configuration };
    await updateView(view, last);
    return new Answer(setting, head, recorded, view, vrf, last);
  }

  /** The tree head to show. @throws ProverError invalid-auditor-head */
  get fullTreeHead(): FullTreeHead {
    return fullTreeHead(this.#setting, this.head, this.#last);
  }

  /** The proof of all that was asked for, bound to {@link fullTreeHead}. */
  proof(): Promise<CombinedTreeProof> {
    const shown = this.fullTreeHead;
    return this.unsignedProof(shown.headType === "updated" ? shown.auditorTreeHead?.treeSize : undefined);
  }

  /** The proof of all that was asked for, from which also the root at `additional` entries can be computed. */
  unsignedProof(additional?: number): Promise<CombinedTreeProof> {
    return this.recorded.proof(this.view.inspection, { size: this.view.size, retained: this.#last, additional });
  }

  /** VRF proofs for `versions`, with commitments for those that `withCommitment` picks. */
  async ladder(
    setting: ProverSetting,
    label: Uint8Array,
    versions: readonly number[],
    withCommitment: (version: number) => boolean,
  ): Promise<BinaryLadderStep[]> {
    const proofs = await this.vrf.proofs(versions);
    const committed = versions.filter(withCommitment);
    const rows = await setting.store.versions(label, committed);
    const commitments = new Map(committed.map((version, i) => [version, rows[i]?.commitment]));
    return versions.map((version, i) => ({
      proof: (proofs[i] as { proof: Uint8Array }).proof,
      commitment: commitments.get(version),
    }));
  }
}

const NO_LABEL: Uint8Array = new Uint8Array(0);

function fullTreeHead(setting: ProverSetting, head: StoredHead, last: number | undefined): FullTreeHead {
  if (last === head.treeSize) return { headType: "same" };
  const treeHead = { treeSize: head.treeSize, signature: head.signature };
  if (setting.configuration.mode !== "thirdPartyAuditing") return { headType: "updated", treeHead };
  if (head.auditorTreeHead === undefined)
    throw new ProverError("invalid-auditor-head", "the auditor has not signed yet", "Auditor Tree Head Signature");
  return { headType: "updated", treeHead, auditorTreeHead: decode(AuditorTreeHead, head.auditorTreeHead) };
}

/** What opens the commitment of one version. @throws ProverError value-deleted */
export async function openedValue(
  { store }: ProverSetting,
  label: Uint8Array,
  version: number,
): Promise<{ opening: Uint8Array; value: UpdateValue }> {
  const row = await store.opening(label, version);
  if (row === undefined)
    throw new ProverError("value-deleted", `version ${version} can no longer be opened`, "Commitment", "version");
  const suffix: UpdateSuffix = row.suffix === undefined ? {} : { signature: row.suffix };
  return { opening: row.opening, value: { value: row.value, suffix } };
}
