/** Tables of the embedded store. Times are seconds since 1970; hashes and ids are lower-case hex. */
export const SQLITE_SCHEMA = `
create table if not exists meta (key text primary key, value blob not null) strict, without rowid;

create table if not exists nonces (hash text primary key, expires_at integer not null) strict, without rowid;
create index if not exists nonces_expiry on nonces (expires_at);

create table if not exists tokens (
  hash text primary key, user text not null, client text not null,
  created_at integer not null, expires_at integer not null, spent_at integer, intent text
) strict, without rowid;

create table if not exists labels (
  label text primary key, state blob not null, version integer, value blob
) strict, without rowid;

create table if not exists intents (
  id text primary key, kind text not null, label text not null,
  idempotency_key text not null unique, request_hash text not null,
  origin text not null, addition blob, version integer not null, value blob not null,
  state text not null check (state in ('journaled', 'logged', 'done', 'withdrawn')),
  position integer, proof_request blob, proof_response blob,
  created_at integer not null, updated_at integer not null
) strict;
create unique index if not exists one_open_intent on intents (label) where state in ('journaled', 'logged');

create table if not exists credentials (
  id text primary key, serial text not null, issuer text not null, user text not null, client text not null,
  spki_hash text not null, not_before integer not null, not_after integer not null, shard integer not null,
  tbs blob not null, certificate blob, thumbprint text, proved_at integer not null,
  state text not null check (state in ('pending', 'active', 'revoked')),
  revoked_at integer, reason integer, revocation_origin text, revocation_logged integer not null default 0, intent text not null
) strict;
create unique index if not exists credentials_serial on credentials (issuer, serial);
create unique index if not exists credentials_thumbprint on credentials (thumbprint) where thumbprint is not null;
create index if not exists credentials_spki on credentials (spki_hash);
create index if not exists credentials_user on credentials (user, id);
create index if not exists credentials_client on credentials (client, id);
create index if not exists credentials_intent on credentials (intent);
create index if not exists credentials_unlogged on credentials (user) where state = 'revoked' and revocation_logged = 0;
create index if not exists credentials_revoked on credentials (issuer, shard) where state = 'revoked';

create table if not exists revocations (sequence integer primary key autoincrement, credential text not null unique) strict;

create table if not exists blocked_keys (spki_hash text primary key, blocked_at integer not null) strict, without rowid;

create table if not exists audit (
  sequence integer primary key, time integer not null, subject text,
  entry text not null, previous_hash text not null, hash text not null
) strict;
create index if not exists audit_subject on audit (subject, sequence);
`;
