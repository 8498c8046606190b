/** Forward-only migrations; `user_version` counts how many were applied. */
export const SQLITE_MIGRATIONS: readonly string[] = [
  `
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
  `,
];
