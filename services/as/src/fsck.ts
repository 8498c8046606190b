import { decodeDeviceList } from "@mls-as/mls-credentials";
import { equalBytes } from "@mls-as/tls-codec";
import { toHex } from "./binary-text.js";
import type { TransparencyLog } from "./log/log.js";
import type { Store, StoredCredential } from "./storage/store.js";

export type DiscrepancyKind =
  /** A signed credential that the log does not hold: must never exist. */
  | "unlogged"
  /** The log holds a credential that the store does not know. */
  | "unknown-here"
  /** The log says revoked, the store says active: the log is right. */
  | "revoked-in-log"
  /** The store says that a revocation is logged, and the log does not show it. */
  | "revocation-not-logged"
  /** The store's copy of a list is not what the log holds as that version, or is ahead of the log. */
  | "list-differs"
  /** The log is further on than the store: harmless, the next change catches up. */
  | "log-ahead"
  /** A revoked credential is not on its CRL. */
  | "missing-from-crl"
  /** A CRL lists a credential that the store says is active. */
  | "only-in-crl"
  /** A CRL is not served, is out of date, or is not signed by its issuer. */
  | "crl-unusable";

export interface Discrepancy {
  readonly kind: DiscrepancyKind;
  readonly label: string;
  readonly credential?: string;
}

export interface FsckReport {
  readonly labels: number;
  readonly credentials: number;
  readonly discrepancies: readonly Discrepancy[];
}

const PAGE = 500;

/**
 * Compares what the store says with what the log proves, user by user. The log is the truth: with `repair`, revocations
 * that only one side knows are brought to the other.
 *
 * @param now seconds since 1970
 * @throws LogError when the log does not answer, or lies
 */
export async function compareWithLog(
  store: Store,
  log: TransparencyLog,
  repair: boolean,
  now: number,
): Promise<FsckReport> {
  const discrepancies: Discrepancy[] = [];
  let labels = 0;
  let credentials = 0;
  for (let after = ""; ; ) {
    const page = await store.users(after, PAGE);
    for (const user of page) {
      labels++;
      const found = await compareUser(store, log, user);
      credentials += found.credentials;
      discrepancies.push(...found.discrepancies);
      if (repair) await repairUser(store, found.discrepancies, found.logged, now);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { labels, credentials, discrepancies };
    after = last;
  }
}

type LoggedRecords = ReadonlyMap<string, { readonly revokedAt: number; readonly reason: number } | undefined>;

async function compareUser(
  store: Store,
  log: TransparencyLog,
  label: string,
): Promise<{ discrepancies: Discrepancy[]; credentials: number; logged: LoggedRecords }> {
  const stored = await credentialsOf(store, label);
  const signed = stored.filter(({ state }) => state !== "pending");
  if (signed.length === 0) return { discrepancies: [], credentials: 0, logged: new Map() };
  const proved = await log.prove(label);
  const latest = (await store.label(label))?.latest;
  const discrepancies: Discrepancy[] = [];
  if (latest === undefined || proved.version > latest.version) discrepancies.push({ kind: "log-ahead", label });
  else if (proved.version < latest.version || !equalBytes(proved.value, latest.value))
    discrepancies.push({ kind: "list-differs", label });
  const logged = new Map<string, { revokedAt: number; reason: number } | undefined>();
  for (const { credentials } of decodeDeviceList(proved.value).devices)
    for (const record of credentials)
      logged.set(
        toHex(record.tbsCertificateHash),
        record.status === "revoked" ? { revokedAt: Number(record.revokedAt), reason: record.reason } : undefined,
      );
  for (const credential of signed) discrepancies.push(...compareCredential(credential, logged));
  const known = new Set(stored.map(({ id }) => id));
  for (const id of logged.keys())
    if (!known.has(id)) discrepancies.push({ kind: "unknown-here", label, credential: id });
  return { discrepancies, credentials: signed.length, logged };
}

function compareCredential(credential: StoredCredential, logged: LoggedRecords): Discrepancy[] {
  const { id, user: label, revocation } = credential;
  if (!logged.has(id)) return [{ kind: "unlogged", label, credential: id }];
  const revokedInLog = logged.get(id) !== undefined;
  if (revokedInLog && revocation === undefined) return [{ kind: "revoked-in-log", label, credential: id }];
  if (!revokedInLog && revocation?.logged === true) return [{ kind: "revocation-not-logged", label, credential: id }];
  return [];
}

export async function credentialsOf(store: Store, user: string): Promise<StoredCredential[]> {
  const all: StoredCredential[] = [];
  for (let after = ""; ; ) {
    const page = await store.credentials({ user, after, limit: PAGE });
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.id;
  }
}

async function repairUser(
  store: Store,
  found: readonly Discrepancy[],
  logged: LoggedRecords,
  now: number,
): Promise<void> {
  for (const { kind, credential, label } of found) {
    if (credential === undefined) continue;
    const audit = { actor: "system", action: "fsck-repaired", subject: label, detail: { kind, credential } };
    const revocation = logged.get(credential);
    if (kind === "revoked-in-log" && revocation !== undefined)
      await store.adoptRevocation(credential, revocation, now, audit);
    if (kind === "revocation-not-logged") await store.forgetLogged(credential, now, audit);
  }
}
