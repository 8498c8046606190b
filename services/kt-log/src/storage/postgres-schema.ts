/** Forward-only migrations; the table `schema_version` counts how many were applied. */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  `
  create table settings (key text primary key, value bytea not null);
  create table head (
    id smallint primary key check (id = 1),
    tree_size bigint not null, root bytea not null, signature bytea not null, "timestamp" bigint not null,
    auditor_tree_head bytea
  );
  create table entries (
    position bigint primary key, "timestamp" bigint not null, prefix_root bytea not null,
    prefix_node bigint not null, next_node bigint not null
  );
  create table log_nodes (level smallint, node bigint, hash bytea not null, primary key (level, node));
  create table prefix_nodes (id bigint primary key, bytes bytea not null);
  create table superseded (position bigint not null, id bigint not null, primary key (position, id));
  create table versions (
    label bytea, version bigint, position bigint not null, commitment bytea not null, primary key (label, version)
  );
  create index versions_by_entry on versions (position, label, version);
  create table openings (
    label bytea, version bigint, opening bytea not null, value bytea not null, suffix bytea,
    primary key (label, version)
  );
  create table vrf_proofs (
    label bytea, version bigint, output bytea not null, proof bytea not null, primary key (label, version)
  );
  create table auditor_updates (position bigint primary key, bytes bytea not null);
  create table leader (id smallint primary key check (id = 1), url text not null, term bigint not null);
  `,
];
