import type { LogNodeKey, StoredEntry, StoredLogNode, StoredVrfProof } from "@mls-as/keytrans/prover";
import { equalBytes } from "@mls-as/tls-codec";
import type { PoolClient } from "pg";
import { leaderChecksum } from "./leader-checksum.js";
import { PostgresReads } from "./postgres-reads.js";
import { type PrefixPage, readableIds, unpackIds } from "./prefix-pages.js";
import { labelVersionRow } from "./sqlite-inspection.js";
import { type EntryRow, plain, storedEntry } from "./sqlite-reads.js";
import type { LabelVersionRow, LogInspection, PruningState, RowCounts, SettingRow, SupersededRow } from "./store.js";

/** What `fsck` and `export` read from PostgreSQL. */
export class PostgresInspection extends PostgresReads implements LogInspection {
  protected frozen: PoolClient | undefined;

  async freeze(): Promise<void> {
    this.cache.clear();
    const client = await this.database.pool.connect();
    this.frozen = client;
    await client.query("set idle_in_transaction_session_timeout = 0");
    await client.query("set statement_timeout = 0");
    await client.query("begin isolation level repeatable read read only");
    // The snapshot is taken by the first statement that reads, not by `begin`.
    await client.query("select 1 from schema_version");
    this.query = async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      const values = parameters.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));
      const { rows, rowCount } = await client.query({ text: sql, values });
      return { rows: rows as Row[], count: rowCount ?? 0 };
    };
  }

  async settings(): Promise<SettingRow[]> {
    const sql = "select key, value, checksum from settings order by key";
    const { rows } = await this.query<{ key: string; value: Buffer; checksum: Buffer }>(sql);
    return rows.map(({ key, value, checksum }) => ({ key, value: plain(value), checksum: plain(checksum) }));
  }

  async entriesFrom(position: number, limit: number): Promise<StoredEntry[]> {
    const sql = "select * from entries where position >= $1 order by position limit $2";
    return (await this.query<EntryRow>(sql, [position, limit])).rows.map(storedEntry);
  }

  async labelVersions(after: number, limit: number): Promise<LabelVersionRow[]> {
    const { rows } = await this.query<Parameters<typeof labelVersionRow>[0]>(
      `select id, position, label, version, commitment, output, opening, value, suffix
       from label_versions left join openings using (id) where id > $1 order by id limit $2`,
      [after, limit],
    );
    return rows.map(labelVersionRow);
  }

  async prefixPages(after: number, limit: number): Promise<PrefixPage[]> {
    const sql = "select first, nodes from prefix_pages where first > $1 order by first limit $2";
    const { rows } = await this.query<{ first: number; nodes: Buffer }>(sql, [after, limit]);
    return rows.map(({ first, nodes }) => ({ first, nodes: plain(nodes) }));
  }

  async supersededFrom(position: number, limit: number): Promise<SupersededRow[]> {
    const sql = "select position, ids from superseded_nodes where position >= $1 order by position limit $2";
    const { rows } = await this.query<{ position: number; ids: Buffer }>(sql, [position, limit]);
    return rows.map((row) => ({ position: row.position, ids: readableIds(row.ids) }));
  }

  async allVrfProofs(
    after: { readonly label: Uint8Array; readonly version: number } | undefined,
    limit: number,
  ): Promise<StoredVrfProof[]> {
    const { rows } = await this.query<{ label: Buffer; version: number; output: Buffer; proof: Buffer }>(
      `select label, version, output, proof from vrf_proofs where (label, version) > ($1, $2)
       order by label, version limit $3`,
      [after?.label ?? new Uint8Array(), after?.version ?? -1, limit],
    );
    return rows.map(({ label, version, output, proof }) => ({
      label: plain(label),
      version,
      output: plain(output),
      proof: plain(proof),
    }));
  }

  async auditorUpdatesFrom(position: number, limit: number): Promise<{ position: number; bytes: Uint8Array }[]> {
    const sql = "select position, bytes from auditor_updates where position >= $1 order by position limit $2";
    const { rows } = await this.query<{ position: number; bytes: Buffer }>(sql, [position, limit]);
    return rows.map((row) => ({ position: row.position, bytes: plain(row.bytes) }));
  }

  async witnessNodesFrom(after: LogNodeKey | undefined, limit: number): Promise<StoredLogNode[]> {
    const { rows } = await this.query<{ level: number; node: number; hash: Buffer }>(
      `select level, node, hash from witness_nodes where (level, node) > ($1, $2) order by level, node limit $3`,
      [after?.level ?? -1, after?.index ?? -1, limit],
    );
    return rows.map(({ level, node, hash }) => ({ level, index: node, hash: plain(hash) }));
  }

  async pruning(): Promise<PruningState | undefined> {
    const { rows } = await this.query<{ trees: number; entries: number; kept: Buffer }>(
      "select trees, entries, kept from pruning where id = 1",
    );
    const [row] = rows;
    return row && { trees: row.trees, entries: row.entries, kept: unpackIds(row.kept) };
  }

  async rowCounts(): Promise<RowCounts> {
    const { rows } = await this.query<RowCounts>(
      `select (select count(*) from entries) as "entries", (select count(*) from log_nodes) as "logNodes",
         (select count(*) from superseded_nodes) as "superseded",
         (select count(*) from label_versions) as "versions", (select count(*) from openings) as "openings"`,
    );
    return rows[0] as RowCounts;
  }

  /** PostgreSQL checks its pages when it reads them (`initdb --data-checksums`). */
  async integrity(): Promise<string[]> {
    const { rows } = await this.query<{ id: number; url: string; term: number; checksum: Buffer }>(
      "select id, url, term, checksum from leader",
    );
    return rows.flatMap(({ id, url, term, checksum }) =>
      id === 1 && equalBytes(plain(checksum), leaderChecksum(url, term))
        ? []
        : ["the row of the table leader is damaged"],
    );
  }
}
