import type { LogNodeKey, StoredEntry, StoredLogNode, StoredVrfProof } from "@mls-as/keytrans/prover";
import { type PrefixPage, packIds, readableIds, unpackIds } from "./prefix-pages.js";
import { type EntryRow, plain, SqliteReads, storedEntry } from "./sqlite-reads.js";
import type { LabelVersionRow, LogInspection, PruningState, RowCounts, SettingRow, SupersededRow } from "./store.js";

interface VersionRow {
  id: number;
  position: number;
  label: Buffer;
  version: number;
  commitment: Buffer;
  output: Buffer;
  opening: Buffer | null;
  value: Buffer | null;
  suffix: Buffer | null;
}

/** A row of `label_versions` beside its row of `openings`, in either driver. */
export function labelVersionRow(row: VersionRow): LabelVersionRow {
  const { id, position, version, opening, value, suffix } = row;
  return {
    id,
    position,
    label: plain(row.label),
    version,
    commitment: plain(row.commitment),
    output: plain(row.output),
    opening:
      opening === null || value === null
        ? undefined
        : { opening: plain(opening), value: plain(value), ...(suffix === null ? {} : { suffix: plain(suffix) }) },
  };
}

/** What `fsck` and `export` read from SQLite. */
export class SqliteInspection extends SqliteReads implements LogInspection {
  async freeze(): Promise<void> {
    this.cache.clear();
    this.db.handle.exec("begin");
    this.head();
  }

  async settings(): Promise<SettingRow[]> {
    const rows = this.db.all<{ key: string; value: Buffer; checksum: Buffer }>("select * from settings order by key");
    return rows.map(({ key, value, checksum }) => ({ key, value: plain(value), checksum: plain(checksum) }));
  }

  async entriesFrom(position: number, limit: number): Promise<StoredEntry[]> {
    const sql = "select * from entries where position >= ? order by position limit ?";
    return this.db.all<EntryRow>(sql, position, limit).map(storedEntry);
  }

  async labelVersions(after: number, limit: number): Promise<LabelVersionRow[]> {
    const rows = this.db.all<VersionRow>(
      `select id, position, label, version, commitment, output, opening, value, suffix
       from label_versions left join openings using (id) where id > ? order by id limit ?`,
      after,
      limit,
    );
    return rows.map(labelVersionRow);
  }

  async prefixPages(after: number, limit: number): Promise<PrefixPage[]> {
    const sql = "select first, nodes from prefix_pages where first > ? order by first limit ?";
    return this.db
      .all<{ first: number; nodes: Buffer }>(sql, after, limit)
      .map(({ first, nodes }) => ({ first, nodes: plain(nodes) }));
  }

  async supersededFrom(position: number, limit: number): Promise<SupersededRow[]> {
    const sql = "select position, ids from superseded_nodes where position >= ? order by position limit ?";
    return this.db
      .all<{ position: number; ids: Buffer }>(sql, position, limit)
      .map((row) => ({ position: row.position, ids: readableIds(row.ids) }));
  }

  async allVrfProofs(
    after: { readonly label: Uint8Array; readonly version: number } | undefined,
    limit: number,
  ): Promise<StoredVrfProof[]> {
    const rows = this.db.all<{ label: Buffer; version: number; output: Buffer; proof: Buffer }>(
      `select label, version, output, proof from vrf_proofs where (label, version) > (?, ?)
       order by label, version limit ?`,
      after?.label ?? new Uint8Array(),
      after?.version ?? -1,
      limit,
    );
    return rows.map(({ label, version, output, proof }) => ({
      label: plain(label),
      version,
      output: plain(output),
      proof: plain(proof),
    }));
  }

  async auditorUpdatesFrom(position: number, limit: number): Promise<{ position: number; bytes: Uint8Array }[]> {
    const sql = "select position, bytes from auditor_updates where position >= ? order by position limit ?";
    return this.db
      .all<{ position: number; bytes: Buffer }>(sql, position, limit)
      .map((row) => ({ position: row.position, bytes: plain(row.bytes) }));
  }

  async witnessNodesFrom(after: LogNodeKey | undefined, limit: number): Promise<StoredLogNode[]> {
    const sql = "select level, node, hash from witness_nodes where (level, node) > (?, ?) order by level, node limit ?";
    return this.db
      .all<{ level: number; node: number; hash: Buffer }>(sql, after?.level ?? -1, after?.index ?? -1, limit)
      .map(({ level, node, hash }) => ({ level, index: node, hash: plain(hash) }));
  }

  async pruning(): Promise<PruningState | undefined> {
    const row = this.db.get<{ trees: number; entries: number; kept: Buffer }>(
      "select trees, entries, kept from pruning where id = 1",
    );
    return row && { trees: row.trees, entries: row.entries, kept: unpackIds(row.kept) };
  }

  protected setPruning({ trees, entries, kept }: PruningState): void {
    this.db.run("insert or replace into pruning values (1, ?, ?, ?)", trees, entries, packIds(kept));
  }

  async rowCounts(): Promise<RowCounts> {
    return this.db.get<RowCounts>(
      `select (select count(*) from entries) as entries, (select count(*) from log_nodes) as logNodes,
         (select count(*) from superseded_nodes) as superseded,
         (select count(*) from label_versions) as versions, (select count(*) from openings) as openings`,
    ) as RowCounts;
  }

  async integrity(): Promise<string[]> {
    return this.db
      .all<{ integrity_check: string }>("pragma integrity_check")
      .map((row) => row.integrity_check)
      .filter((line) => line !== "ok");
  }
}
