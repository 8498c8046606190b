import type { PostgresMigration } from "@mls-as/service-runtime/postgres";
import { packIds, paginate } from "./prefix-pages.js";
import { settingChecksum } from "./setting-checksum.js";

/** Schema 1, as SQLite's. */
const ROWS = `
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
`;

/** Schema 2: what {@link SQLITE_MIGRATIONS} says of its own. */
const PAGES: PostgresMigration = async (query) => {
  await query("set local statement_timeout = 0");
  await query(`
    alter table settings add column checksum bytea not null default ''::bytea;
    create table label_versions (
      id bigint primary key, position bigint not null, label bytea not null, version bigint not null,
      commitment bytea not null, output bytea not null
    );
    insert into label_versions
      select row_number() over (order by position, label, version), position, label, version, commitment, output
      from versions left join vrf_proofs using (label, version);
    create unique index label_versions_by_label on label_versions (label, version);
    alter table openings rename to old_openings;
    alter index openings_pkey rename to old_openings_pkey;
    create table openings (id bigint primary key, opening bytea not null, value bytea not null, suffix bytea);
    insert into openings
      select id, opening, value, suffix from label_versions join old_openings using (label, version) order by id;
    drop table old_openings;
    drop table versions;
    delete from vrf_proofs where length(proof) = 0;
    create table prefix_pages (first bigint primary key, nodes bytea not null);
    create table superseded_nodes (position bigint primary key, ids bytea not null);
    create table pruning (
      id smallint primary key check (id = 1), trees bigint not null, entries bigint not null, kept bytea not null
    );
    create table witness_nodes (level smallint, node bigint, hash bytea not null, primary key (level, node));
    drop table leader;
    create table leader (
      id smallint primary key check (id = 1), url text not null, term bigint not null, checksum bytea not null
    );
  `);
  for (const { key, value } of (await query<{ key: string; value: Buffer }>("select key, value from settings")).rows)
    await query("update settings set checksum = $1 where key = $2", [settingChecksum(key, value), key]);

  for (let last = 0; ; ) {
    const { rows } = await query<{ id: number; bytes: Buffer }>(
      "select id, bytes from prefix_nodes where id > $1 order by id limit 2400",
      [last],
    );
    const end = rows.at(-1);
    if (end === undefined) break;
    const pages = paginate(rows);
    await query("insert into prefix_pages select * from unnest($1::bigint[], $2::bytea[])", [
      pages.map(({ first }) => first),
      pages.map(({ nodes }) => nodes),
    ]);
    last = end.id;
  }
  const { rows } = await query<{ position: number; ids: string }>(
    "select position, string_agg(id::text, ',') as ids from superseded group by position order by position",
  );
  for (const { position, ids } of rows)
    await query("insert into superseded_nodes values ($1, $2)", [position, packIds(ids.split(",").map(Number))]);
  await query("drop table prefix_nodes; drop table superseded");
};

/** Forward-only; the table `schema_version` counts how many were applied. */
export const POSTGRES_MIGRATIONS: readonly PostgresMigration[] = [ROWS, PAGES];
