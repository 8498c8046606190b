import type { SqliteMigration } from "@mls-as/service-runtime/sqlite";
import { packIds, paginate } from "./prefix-pages.js";
import { settingChecksum } from "./setting-checksum.js";

/** Schema 1: a row for each node of the prefix tree, VRF output and label repeated in each table. */
const ROWS = `
  create table settings (key text primary key, value blob not null) without rowid;
  create table head (
    id integer primary key check (id = 1),
    tree_size integer not null, root blob not null, signature blob not null, timestamp integer not null,
    auditor_tree_head blob
  );
  create table entries (
    position integer primary key, timestamp integer not null, prefix_root blob not null,
    prefix_node integer not null, next_node integer not null
  );
  create table log_nodes (level integer, node integer, hash blob not null, primary key (level, node)) without rowid;
  create table prefix_nodes (id integer primary key, bytes blob not null);
  create table superseded (position integer not null, id integer not null, primary key (position, id)) without rowid;
  create table versions (
    label blob, version integer, position integer not null, commitment blob not null, primary key (label, version)
  ) without rowid;
  create index versions_by_entry on versions (position, label, version);
  create table openings (
    label blob, version integer, opening blob not null, value blob not null, suffix blob, primary key (label, version)
  ) without rowid;
  create table vrf_proofs (
    label blob, version integer, output blob not null, proof blob not null, primary key (label, version)
  ) without rowid;
  create table auditor_updates (position integer primary key, bytes blob not null);
`;

/**
 * Schema 2: prefix tree nodes in pages, superseded ids packed, label-versions numbered in the order of the log with what
 * opens them beside (rows are only ever added at the end), VRF proofs only once they were made.
 */
const PAGES: SqliteMigration = (db) => {
  db.exec(`
    alter table settings add column checksum blob not null default x'';
    create table label_versions (
      id integer primary key, position integer not null, label blob not null, version integer not null,
      commitment blob not null, output blob not null
    );
    insert into label_versions
      select row_number() over (order by position, label, version), position, label, version, commitment, output
      from versions left join vrf_proofs using (label, version);
    create unique index label_versions_by_label on label_versions (label, version);
    alter table openings rename to old_openings;
    create table openings (id integer primary key, opening blob not null, value blob not null, suffix blob);
    insert into openings
      select id, opening, value, suffix from label_versions join old_openings using (label, version) order by id;
    drop table old_openings;
    drop table versions;
    delete from vrf_proofs where length(proof) = 0;
    create table prefix_pages (first integer primary key, nodes blob not null);
    create table superseded_nodes (position integer primary key, ids blob not null);
    create table pruning (
      id integer primary key check (id = 1), trees integer not null, entries integer not null, kept blob not null
    );
    create table witness_nodes (level integer, node integer, hash blob not null, primary key (level, node)) without rowid;
  `);
  const settings = db.prepare("select key, value from settings").all() as { key: string; value: Buffer }[];
  const setChecksum = db.prepare("update settings set checksum = ? where key = ?");
  for (const { key, value } of settings) setChecksum.run(settingChecksum(key, value), key);

  const nodesAfter = db.prepare("select id, bytes from prefix_nodes where id > ? order by id limit 2400");
  const addPage = db.prepare("insert into prefix_pages values (?, ?)");
  for (let last = 0; ; ) {
    const nodes = nodesAfter.all(last) as { id: number; bytes: Buffer }[];
    for (const { first, nodes: page } of paginate(nodes)) addPage.run(first, page);
    const end = nodes.at(-1);
    if (end === undefined) break;
    last = end.id;
  }
  const positions = db.prepare("select distinct position from superseded order by position").pluck().all() as number[];
  const idsAt = db.prepare("select id from superseded where position = ?").pluck();
  const addIds = db.prepare("insert into superseded_nodes values (?, ?)");
  for (const position of positions) addIds.run(position, packIds(idsAt.all(position) as number[]));
  db.exec("drop table prefix_nodes; drop table superseded");
};

/** Forward-only; `user_version` counts how many were applied. */
export const SQLITE_MIGRATIONS: readonly SqliteMigration[] = [ROWS, PAGES];
