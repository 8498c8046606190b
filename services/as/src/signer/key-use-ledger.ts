import type { KeyUse } from "@mls-as/signers";
import type { AuditEvent } from "../storage/store.js";

/** What the ledger writes to. */
export interface AuditSink {
  audit(event: AuditEvent, now: number): Promise<void>;
}

interface Waiting {
  readonly use: KeyUse;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes every use of a key to the audit log before its result is handed out. Uses that come while one entry is being
 * written share the next. Good answers of OCSP responders, which anybody can ask for, are counted and written by
 * `flush`: otherwise a stranger could fill the disk.
 */
export class KeyUseLedger {
  readonly #sink: AuditSink;
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #busy = false;
  readonly #counted = new Map<string, number>();

  constructor(sink: AuditSink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  readonly record = (use: KeyUse): Promise<void> => {
    if (use.operation === "open" && use.outcome === "ok") return Promise.resolve();
    if (use.role === "ocsp" && use.operation === "sign" && use.outcome === "ok") {
      this.#counted.set(use.key, (this.#counted.get(use.key) ?? 0) + 1);
      return Promise.resolve();
    }
    return new Promise((written, failed) => {
      this.#waiting.push({ use, written, failed });
      if (!this.#busy) void this.#write();
    });
  };

  /** Writes what was counted; once a minute, and at the end. */
  async flush(): Promise<void> {
    const counted = [...this.#counted].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#counted.clear();
    if (counted.length > 0)
      await this.#append(counted.map(([key, count]) => `sign role=ocsp key=${key} count=${count} outcome=ok`));
  }

  async #write(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(batch.map(({ use }) => describeUse(use)));
        for (const { written } of batch) written();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#busy = false;
  }

  #append(uses: readonly string[]): Promise<void> {
    return this.#sink.audit({ actor: "system", action: "keys-used", detail: { uses } }, this.#now());
  }
}

function describeUse({ operation, role, key, size, outcome }: KeyUse): string {
  const octets = size === undefined ? "" : ` octets=${size}`;
  return `${operation} role=${role} key=${key === "" ? "none" : key}${octets} outcome=${outcome}`;
}
