import { bytesKey } from "../bytes-key.js";
import type { DeviceList } from "../device-list.js";
import type { ListEvidence, LogProof } from "./finding.js";

/** What is remembered of one certificate of one user, also after the list dropped it. */
export interface RememberedRecord {
  readonly client: string;
  readonly spkiHash: string;
  readonly tbsCertificateHash: string;
  readonly notAfter: number;
  readonly revokedAt: number | undefined;
  readonly reason: number | undefined;
}

/** The lists of one user as this device has seen them. */
export class UserLog {
  readonly user: string;
  readonly records = new Map<string, RememberedRecord>();
  /** Hash of each version seen. */
  readonly hashes = new Map<number, string>();
  /** Keys without any active certificate left, with the version that said so. */
  readonly deadKeys = new Map<string, number>();
  /** Hashes of approvals and continuities whose signatures were found to hold. */
  readonly vouchers = new Set<string>();
  list: DeviceList | undefined;
  value: Uint8Array | undefined;
  proof: LogProof | undefined;
  provenAt = Number.NEGATIVE_INFINITY;
  /** When this device read the list. */
  readAt = Number.NEGATIVE_INFINITY;
  /** When this device read the newest version, where it was as one of the past: the log's clock says nothing of it then. */
  toldAt = Number.NEGATIVE_INFINITY;
  missingSince: number | undefined;
  /** When a lookup last failed. */
  failedAt = Number.NEGATIVE_INFINITY;
  #evidence:
    | {
        readonly value: Uint8Array;
        readonly proof: LogProof | undefined;
        readonly bundle: { readonly lists: readonly ListEvidence[] };
      }
    | undefined;

  constructor(user: string) {
    this.user = user;
  }

  /** Every key a client was ever seen with, lower-case hex of SPKI hashes. */
  keysOf(client: string): Set<string> {
    const keys = new Set<string>();
    for (const record of this.records.values()) if (record.client === client) keys.add(record.spkiHash);
    return keys;
  }

  /** Nothing happened here later than now. What the log proved is by the log's clock. */
  rewind(now: number): void {
    this.readAt = Math.min(this.readAt, now);
    this.toldAt = Math.min(this.toldAt, now);
    this.failedAt = Math.min(this.failedAt, now);
    if (this.missingSince !== undefined) this.missingSince = Math.min(this.missingSince, now);
  }

  /** The newest list with its proof; made once for each list, for rules ask often. */
  evidence(): { readonly lists?: readonly ListEvidence[] } {
    if (this.list === undefined || this.value === undefined) return {};
    if (this.#evidence?.value !== this.value || this.#evidence.proof !== this.proof) {
      const { proof, value } = this;
      const entry = { version: this.list.version, value: bytesKey(value), ...(proof === undefined ? {} : { proof }) };
      this.#evidence = { value, proof, bundle: { lists: [entry] } };
    }
    return this.#evidence.bundle;
  }
}

/** A list as this device read it. */
export interface ListSighting {
  readonly at: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly provenAt: number;
  /** False: a version of the past, which says nothing about the present. */
  readonly greatest?: boolean;
  readonly proof?: LogProof;
}

/** Takes a list that was judged into memory. */
export function remember(log: UserLog, list: DeviceList, sighting: ListSighting): void {
  // Revoked since the log said so at the latest: the time in the list is the operator's word.
  const saidAt = sighting.greatest === false ? sighting.at : sighting.provenAt;
  for (const { client, credentials } of list.devices)
    for (const record of credentials) {
      const tbs = bytesKey(record.tbsCertificateHash);
      const known = log.records.get(tbs);
      // Revoked is for ever, whatever a later version says.
      const revoked = known?.revokedAt === undefined && record.status === "revoked" ? record : undefined;
      log.records.set(tbs, {
        client,
        spkiHash: bytesKey(record.spkiHash),
        tbsCertificateHash: tbs,
        notAfter: Number(record.notAfter),
        revokedAt: revoked === undefined ? known?.revokedAt : Math.min(Number(revoked.revokedAt), saidAt),
        reason: revoked === undefined ? known?.reason : revoked.reason,
      });
    }
  const records = list.devices.flatMap((device) => device.credentials);
  const alive = new Set(records.filter(({ status }) => status === "active").map(({ spkiHash: key }) => bytesKey(key)));
  for (const { spkiHash: key } of records) {
    const name = bytesKey(key);
    if (alive.has(name)) log.deadKeys.delete(name);
    else if (!log.deadKeys.has(name)) log.deadKeys.set(name, list.version);
  }
  log.list = list;
  log.value = sighting.value;
  log.proof = sighting.proof;
  log.toldAt = sighting.greatest === false ? sighting.at : Number.NEGATIVE_INFINITY;
  if (sighting.greatest === false) return;
  log.provenAt = Math.max(log.provenAt, sighting.provenAt);
  log.readAt = sighting.at;
}
