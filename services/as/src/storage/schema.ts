/**
 * Tables of the store, for both drivers. Times are seconds since 1970; hashes and ids are lower-case hex. Columns that
 * end in `_ref` are keyed hashes of identities; every `bytes` column except those of `meta` is sealed (see sealing.ts).
 */
const TABLES = `
create table meta (key text primary key, value bytes not null);

create table nonces (hash text primary key, expires_at integer not null);
create index nonces_expiry on nonces (expires_at);

create table tokens (
  hash text primary key, user_ref text not null, identity bytes not null,
  created_at integer not null, expires_at integer not null, spent_at integer, intent text
);
create index tokens_intent on tokens (intent) where intent is not null;
create index tokens_user on tokens (user_ref);

create table labels (label_ref text primary key, state bytes not null, version integer, value bytes);

create table intents (
  id text primary key, kind text not null, label_ref text not null, label bytes not null,
  idempotency_key text not null unique, request_hash text not null,
  origin text not null, addition bytes, version integer not null, value bytes not null,
  state text not null check (state in ('journaled', 'logged', 'done', 'withdrawn')),
  position integer, proof_request bytes, proof_response bytes,
  created_at integer not null, updated_at integer not null
);
create unique index one_open_intent on intents (label_ref) where state in ('journaled', 'logged');
create index intents_label on intents (label_ref);

create table credentials (
  id text primary key, place integer not null, serial text not null, issuer text not null,
  user_ref text not null, client_ref text not null, identity bytes not null,
  spki_hash text not null, not_before integer not null, not_after integer not null, shard integer not null,
  tbs bytes not null, certificate bytes, thumbprint text, proved_at integer not null,
  state text not null check (state in ('pending', 'active', 'revoked')),
  revoked_at integer, reason integer, revocation_origin text, revocation_logged integer not null default 0, intent text not null
);
create unique index credentials_serial on credentials (issuer, serial);
create unique index credentials_thumbprint on credentials (thumbprint) where thumbprint is not null;
create index credentials_spki on credentials (spki_hash);
create index credentials_user on credentials (user_ref, id);
create index credentials_client on credentials (client_ref, id);
create index credentials_intent on credentials (intent, place);
create index credentials_unlogged on credentials (user_ref) where state = 'revoked' and revocation_logged = 0;
create index credentials_revoked on credentials (issuer, shard) where state = 'revoked';

create table withdrawn_credentials (
  id text primary key, label_ref text not null, label bytes not null, withdrawn_at integer not null, not_after integer not null
);
create index withdrawn_label on withdrawn_credentials (label_ref);

create table revocations (sequence integer primary key, credential text not null unique);

create table blocked_keys (spki_hash text primary key, blocked_at integer not null);

create table approvals (
  id text primary key, secret_hash text not null, user_ref text not null, identity bytes not null, keys text not null,
  created_at integer not null, expires_at integer not null,
  state text not null check (state in ('pending', 'approved', 'denied')),
  decided_by bytes, approvals bytes
);
create index approvals_user on approvals (user_ref, id);

create table renewal_orders (
  id text primary key, issuer text, issued_before integer not null, start_at integer not null, end_at integer not null
);

create table audit (
  sequence integer primary key, time integer not null, subject_ref text,
  entry bytes, previous_hash text not null, hash text not null
);
create index audit_subject on audit (subject_ref, sequence);
`;

/** The keys that an operator's approval is for. */
const TOKEN_KEYS = "alter table tokens add column keys text";

/** Forward-only; a database counts how many were applied. */
export const SQLITE_MIGRATIONS: readonly string[] = [
  TABLES.replaceAll(/\bbytes\b/g, "blob").replaceAll(/(create table [^;]+\))(?=;)/g, "$1 strict"),
  TOKEN_KEYS,
];
export const POSTGRES_MIGRATIONS: readonly string[] = [
  TABLES.replaceAll(/\bbytes\b/g, "bytea").replaceAll(/\binteger\b/g, "bigint"),
  TOKEN_KEYS,
];
