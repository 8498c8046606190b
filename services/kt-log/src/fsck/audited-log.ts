import { AuditorTreeHead, AuditorTreeHeadTBS, AuditorUpdate, type Configuration, type Suite } from "@mls-as/keytrans";
import { type AuditorState, createAuditor } from "@mls-as/keytrans/auditor";
import type { StoredEntry, StoredHead } from "@mls-as/keytrans/prover";
import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { rootAt } from "../log-tree.js";
import type { LogStore } from "../storage/store.js";
import { type Findings, TooManyFindings } from "./findings.js";
import type { Leaf } from "./prefix-tree.js";

/** Goes over the stored `AuditorUpdate`s as an auditor does, and compares them with the leaves of their entries. */
export class AuditedLog {
  readonly #findings: Findings;
  readonly #suite: Suite;
  readonly #configuration: Configuration;
  #state: AuditorState | undefined;

  constructor(findings: Findings, suite: Suite, configuration: Configuration) {
    this.#findings = findings;
    this.#suite = suite;
    this.#configuration = configuration;
  }

  /** `update`: what is stored for the entry. @returns the root of the log that it proves; undefined when none is due */
  entry(
    position: number,
    update: Uint8Array | undefined,
    entry: StoredEntry | undefined,
    leaves: readonly Leaf[],
  ): Uint8Array | undefined {
    const where = `entry ${position}`;
    const due = this.#configuration.mode === "thirdPartyAuditing";
    if (due !== (update !== undefined))
      this.#findings.note(where, due ? "the auditor update is missing" : "has an auditor update for nobody");
    if (!due || update === undefined) return undefined;
    try {
      if (!isOf(decode(AuditorUpdate, update), entry, leaves))
        this.#findings.note(where, "the auditor update is not of this entry");
      const auditor = createAuditor({ suite: this.#suite, configuration: this.#configuration });
      const { state, root } = auditor.process(this.#state ?? auditor.initialState(), update);
      this.#state = state;
      return root;
    } catch (error) {
      if (error instanceof TooManyFindings) throw error;
      this.#findings.note(where, "the auditor update does not prove the entry");
      return undefined;
    }
  }

  /** The newest head that the auditor signed. */
  async head(store: LogStore, { auditorTreeHead }: StoredHead): Promise<void> {
    if (auditorTreeHead === undefined) return;
    const configuration = this.#configuration;
    if (configuration.mode !== "thirdPartyAuditing")
      return this.#findings.note("head", "has an auditor's head for nobody");
    try {
      const { timestamp, treeSize, signature } = decode(AuditorTreeHead, auditorTreeHead);
      const root = await rootAt(store, treeSize);
      const tbs = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root });
      if (await this.#suite.importSignatureKey(configuration.auditorPublicKey).verify(tbs, signature)) return;
    } catch {
      // Neither does it verify then.
    }
    this.#findings.note("head", "the auditor's tree head does not verify");
  }
}

function isOf(update: AuditorUpdate, entry: StoredEntry | undefined, leaves: readonly Leaf[]): boolean {
  const due = [...leaves].sort((a, b) => Buffer.compare(a.vrfOutput, b.vrfOutput));
  return (
    (entry === undefined || update.timestamp === entry.timestamp) &&
    update.removed.length === 0 &&
    update.added.length === due.length &&
    due.every(({ vrfOutput, commitment }, i) => {
      const added = update.added[i];
      return added !== undefined && equalBytes(added.vrfOutput, vrfOutput) && equalBytes(added.commitment, commitment);
    })
  );
}
