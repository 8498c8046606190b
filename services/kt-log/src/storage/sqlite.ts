import type {
  LogEntryWrites,
  LogNodeKey,
  StoredEntry,
  StoredHead,
  StoredOpening,
  StoredVersion,
  StoredVrfProof,
} from "@mls-as/keytrans/prover";
import Database from "better-sqlite3";
import { failpoint } from "../failpoint.js";
import { SQLITE_MIGRATIONS } from "./schema.js";
import { PendingProofs } from "./pending-proofs.js";
import { HeadMovedError, type LabelVersionKey, type LabelVersionRow, type LogStore, type RowCounts } from "./store.js";

type Parameter = string | number | Uint8Array | null;

interface HeadRow {
  tree_size: number;
  root: Buffer;
  signature: Buffer;
  timestamp: number;
  auditor_tree_head: Buffer | null;
}

/** Rows hold Buffers; the protocol's code is promised plain arrays of its own. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
/** In the column `proof`: only the output is known yet. */
const NO_PROOF = new Uint8Array(0);

/** The embedded driver: one file, WAL with synchronous=FULL, so that a commit is durable when it returns. */
export class SqliteLogStore implements LogStore {
  readonly #db: Database.Database;
  readonly #pending = new PendingProofs((rows) => {
    try {
      this.#transaction(() => this.#insertProofs(rows));
    } catch {
      // Only a cache: computed again when needed.
    }
  });
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.pragma("journal_mode = WAL");
    this.#db.pragma("synchronous = FULL");
    this.#db.pragma("busy_timeout = 5000");
    // What is deleted is overwritten: an erased value must not stay in free pages.
    this.#db.pragma("secure_delete = ON");
    this.#migrate();
  }

  #migrate(): void {
    this.#transaction(() => {
      const applied = this.#db.pragma("user_version", { simple: true }) as number;
      if (applied > SQLITE_MIGRATIONS.length)
        throw new Error(`the database was written by a newer version (schema ${applied}); upgrade kt-log`);
      for (const migration of SQLITE_MIGRATIONS.slice(applied)) this.#db.exec(migration);
      this.#db.pragma(`user_version = ${SQLITE_MIGRATIONS.length}`);
    });
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
  #get<Row>(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#prepare(sql).get(...parameters) as Row | undefined;
  }
  #all<Row>(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#prepare(sql).all(...parameters) as Row[];
  }
  #run(sql: string, ...parameters: Parameter[]): number {
    return this.#prepare(sql).run(...parameters).changes;
  }
  /** `immediate`: the write lock is taken first, so that a compare-and-swap reads what it will replace. */
  #transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }
  #one<Row>(what: string, sql: string, ...parameters: Parameter[]): Row {
    const row = this.#get<Row>(sql, ...parameters);
    if (row === undefined) throw new Error(`the database has no ${what}; run kt-log fsck`);
    return row;
  }

  async append(writes: LogEntryWrites): Promise<void> {
    failpoint("before-head-moved");
    const pending = this.#pending.take();
    this.#transaction(() => {
      const size = this.#get<{ tree_size: number }>("select tree_size from head where id = 1")?.tree_size ?? 0;
      if (size !== writes.position)
        throw new HeadMovedError(`entry ${writes.position} was prepared, the log has ${size} entries`);
      this.#insert(writes);
      this.#insertProofs(pending);
      const { treeSize, root, signature, timestamp } = writes.head;
      this.#run(
        `insert into head (id, tree_size, root, signature, timestamp) values (1, ?, ?, ?, ?)
         on conflict (id) do update set tree_size = excluded.tree_size, root = excluded.root,
           signature = excluded.signature, timestamp = excluded.timestamp`,
        treeSize,
        root,
        signature,
        timestamp,
      );
      failpoint("head-moving");
    });
    failpoint("after-head-moved");
  }

  #insert(writes: LogEntryWrites): void {
    const { position, timestamp, prefixRoot, prefixNode, nextNode } = writes.entry;
    this.#run("insert into entries values (?, ?, ?, ?, ?)", position, timestamp, prefixRoot, prefixNode, nextNode);
    for (const { level, index, hash } of writes.logNodes)
      this.#run("insert into log_nodes values (?, ?, ?)", level, index, hash);
    for (const { id, bytes } of writes.prefixNodes) this.#run("insert into prefix_nodes values (?, ?)", id, bytes);
    for (const id of writes.superseded) this.#run("insert into superseded values (?, ?)", position, id);
    for (const row of writes.versions)
      this.#run("insert into versions values (?, ?, ?, ?)", row.label, row.version, row.position, row.commitment);
    for (const { label, version, opening, value, suffix } of writes.openings)
      this.#run("insert into openings values (?, ?, ?, ?, ?)", label, version, opening, value, suffix ?? null);
    this.#insertProofs(writes.vrfProofs);
    if (writes.auditorUpdate !== undefined)
      this.#run("insert into auditor_updates values (?, ?)", position, writes.auditorUpdate);
  }

  #insertProofs(proofs: readonly StoredVrfProof[]): void {
    for (const { label, version, output, proof } of proofs)
      this.#run(
        `insert into vrf_proofs values (?, ?, ?, ?) on conflict do update set proof = excluded.proof
         where length(vrf_proofs.proof) = 0`,
        label,
        version,
        output,
        proof ?? NO_PROOF,
      );
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    const row = this.#get<{ value: Buffer }>("select value from settings where key = ?", key);
    return row && plain(row.value);
  }

  async initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void> {
    this.#transaction(() => {
      for (const [key, value] of settings) this.#run("insert into settings values (?, ?)", key, value);
    });
  }

  async auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]> {
    const sql = "select bytes from auditor_updates where position >= ? order by position limit ?";
    return this.#all<{ bytes: Buffer }>(sql, start, limit).map(({ bytes }) => plain(bytes));
  }

  async saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void> {
    this.#run("update head set auditor_tree_head = ? where id = 1", auditorTreeHead);
  }

  async labelVersions(after: LabelVersionKey | undefined, limit: number): Promise<readonly LabelVersionRow[]> {
    const rows = this.#all<{ position: number; label: Buffer; version: number; commitment: Buffer }>(
      `select position, label, version, commitment from versions
       where (position, label, version) > (?, ?, ?) order by position, label, version limit ?`,
      after?.position ?? -1,
      after?.label ?? new Uint8Array(),
      after?.version ?? -1,
      limit,
    );
    return rows.map((row) => ({ ...row, label: plain(row.label), commitment: plain(row.commitment) }));
  }

  async eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number> {
    const deleted = this.#run("delete from openings where label = ? and version <= ?", label, throughVersion);
    this.#db.pragma("wal_checkpoint(TRUNCATE)");
    return deleted;
  }

  async freeze(): Promise<void> {
    this.#db.exec("begin");
    this.head();
  }

  async allVrfProofs(
    after: Pick<LabelVersionKey, "label" | "version"> | undefined,
    limit: number,
  ): Promise<StoredVrfProof[]> {
    const rows = this.#all<{ label: Buffer; version: number; output: Buffer; proof: Buffer }>(
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
      proof: proof.length === 0 ? undefined : plain(proof),
    }));
  }

  async supersededAt(position: number): Promise<readonly number[]> {
    return this.#all<{ id: number }>("select id from superseded where position = ? order by id", position).map(
      ({ id }) => id,
    );
  }

  async rowCounts(): Promise<RowCounts> {
    return this.#one<RowCounts>(
      "tables",
      `select (select count(*) from entries) as entries, (select count(*) from log_nodes) as logNodes,
         (select count(*) from prefix_nodes) as prefixNodes, (select count(*) from superseded) as superseded,
         (select count(*) from versions) as versions, (select count(*) from openings) as openings`,
    );
  }

  async integrity(): Promise<readonly string[]> {
    const rows = this.#db.pragma("integrity_check") as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
  }

  head(): StoredHead | undefined {
    const row = this.#get<HeadRow>("select * from head where id = 1");
    return (
      row && {
        treeSize: row.tree_size,
        root: plain(row.root),
        signature: plain(row.signature),
        timestamp: row.timestamp,
        ...(row.auditor_tree_head === null ? {} : { auditorTreeHead: plain(row.auditor_tree_head) }),
      }
    );
  }

  entries(positions: readonly number[]): StoredEntry[] {
    return positions.map((position) => {
      const row = this.#one<{ timestamp: number; prefix_root: Buffer; prefix_node: number; next_node: number }>(
        `log entry ${position}`,
        "select timestamp, prefix_root, prefix_node, next_node from entries where position = ?",
        position,
      );
      return {
        position,
        timestamp: row.timestamp,
        prefixRoot: plain(row.prefix_root),
        prefixNode: row.prefix_node,
        nextNode: row.next_node,
      };
    });
  }

  logNodes(keys: readonly LogNodeKey[]): Uint8Array[] {
    return keys.map(({ level, index }) => {
      const sql = "select hash from log_nodes where level = ? and node = ?";
      return plain(this.#one<{ hash: Buffer }>(`log tree node ${level}/${index}`, sql, level, index).hash);
    });
  }

  prefixNodes(ids: readonly number[]): Uint8Array[] {
    return ids.map((id) => {
      const sql = "select bytes from prefix_nodes where id = ?";
      return plain(this.#one<{ bytes: Buffer }>(`prefix tree node ${id}`, sql, id).bytes);
    });
  }

  greatestVersions(label: Uint8Array, positions: readonly number[]): (number | undefined)[] {
    const sql = "select version from versions where label = ? and position <= ? order by version desc limit 1";
    return positions.map((position) => this.#get<{ version: number }>(sql, label, position)?.version);
  }

  versions(label: Uint8Array, versions: readonly number[]): (StoredVersion | undefined)[] {
    const sql = "select position, commitment from versions where label = ? and version = ?";
    return versions.map((version) => {
      const row = this.#get<{ position: number; commitment: Buffer }>(sql, label, version);
      return row && { label, version, position: row.position, commitment: plain(row.commitment) };
    });
  }

  opening(label: Uint8Array, version: number): StoredOpening | undefined {
    const sql = "select opening, value, suffix from openings where label = ? and version = ?";
    const row = this.#get<{ opening: Buffer; value: Buffer; suffix: Buffer | null }>(sql, label, version);
    return (
      row && {
        label,
        version,
        opening: plain(row.opening),
        value: plain(row.value),
        ...(row.suffix === null ? {} : { suffix: plain(row.suffix) }),
      }
    );
  }

  vrfProofs(label: Uint8Array, versions: readonly number[]): (StoredVrfProof | undefined)[] {
    const sql = "select output, proof from vrf_proofs where label = ? and version = ?";
    return versions.map((version) => {
      const pending = this.#pending.get(label, version);
      if (pending !== undefined) return pending;
      const row = this.#get<{ output: Buffer; proof: Buffer }>(sql, label, version);
      if (row === undefined) return undefined;
      return {
        label,
        version,
        output: plain(row.output),
        proof: row.proof.length === 0 ? undefined : plain(row.proof),
      };
    });
  }

  saveVrfProofs(proofs: readonly StoredVrfProof[]): void {
    this.#pending.keep(proofs);
  }

  async close(): Promise<void> {
    const pending = this.#pending.take();
    if (pending.length > 0) this.#insertProofs(pending);
    this.#db.close();
  }
}
