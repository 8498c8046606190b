import { type CredentialRow, credentialFromRow, sealIdentity } from "./rows.js";
import type { Sealing } from "./sealing.js";
import { all, one, type Parameter, run, type Work } from "./statement.js";
import type { CredentialQuery, NewIntent, StoredCredential } from "./store.js";

/** @param place of the credential among those of its intent */
export function* insertPending(
  sealing: Sealing,
  credential: NewIntent["credentials"][number],
  intent: string,
  place: number,
): Work<void> {
  yield* run(
    `insert into credentials (id, place, serial, issuer, user_ref, client_ref, identity, spki_hash, not_before, not_after, shard, tbs, proved_at, state, intent)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
    credential.id,
    place,
    credential.serial,
    credential.issuer,
    sealing.reference(credential.user),
    sealing.reference(credential.client),
    sealIdentity(sealing, "credentials.identity", credential.id, credential.user, credential.client),
    credential.spkiHash,
    credential.notBefore,
    credential.notAfter,
    credential.shard,
    sealing.seal("credentials.tbs", credential.id, credential.tbs),
    credential.provedAt,
    intent,
  );
}

export function* readCredential(
  sealing: Sealing,
  condition: "id = ?" | "thumbprint = ?" | "issuer = ? and serial = ?",
  ...parameters: readonly string[]
): Work<StoredCredential | undefined> {
  const row = yield* one<CredentialRow>(`select * from credentials where ${condition}`, ...parameters);
  return row === undefined ? undefined : credentialFromRow(sealing, row);
}

export function* readCredentials(
  sealing: Sealing,
  condition: string,
  ...parameters: readonly Parameter[]
): Work<readonly StoredCredential[]> {
  const rows = yield* all<CredentialRow>(`select * from credentials where ${condition}`, ...parameters);
  return rows.map((row) => credentialFromRow(sealing, row));
}

export function* searchCredentials(
  sealing: Sealing,
  { user, client, serial, state, after, limit }: CredentialQuery,
): Work<readonly StoredCredential[]> {
  const clauses = ["id > ?", "user_ref <> ''"];
  const parameters: Parameter[] = [after ?? ""];
  const filters: readonly (readonly [string, string | undefined])[] = [
    ["user_ref", user === undefined ? undefined : sealing.reference(user)],
    ["client_ref", client === undefined ? undefined : sealing.reference(client)],
    ["serial", serial],
    ["state", state],
  ];
  for (const [column, value] of filters)
    if (value !== undefined) {
      clauses.push(`${column} = ?`);
      parameters.push(value);
    }
  return yield* readCredentials(sealing, `${clauses.join(" and ")} order by id limit ?`, ...parameters, limit);
}

export function* ownerOfKey(sealing: Sealing, spkiHash: string): Work<string | undefined> {
  const condition = "spki_hash = ? and user_ref <> '' limit 1";
  const [credential] = yield* readCredentials(sealing, condition, spkiHash);
  return credential?.client;
}

/** Users with credentials, in the order of their references, after one of them. */
export function* readUsers(sealing: Sealing, after: string, limit: number): Work<readonly string[]> {
  const rows = yield* all<{ id: string }>(
    `select min(id) as id from credentials where user_ref > ? group by user_ref order by user_ref limit ?`,
    after === "" ? "" : sealing.reference(after),
    limit,
  );
  const users: string[] = [];
  for (const { id } of rows) {
    const credential = yield* readCredential(sealing, "id = ?", id);
    if (credential !== undefined) users.push(credential.user);
  }
  return users;
}

export function* countUnexpired(sealing: Sealing, client: string, now: number): Work<number> {
  const sql = "select count(*) as n from credentials where client_ref = ? and not_after > ? and state <> 'revoked'";
  return (yield* one<{ n: number }>(sql, sealing.reference(client), now))?.n ?? 0;
}

export function* activeClients(sealing: Sealing, user: string, now: number): Work<readonly string[]> {
  const condition = `id in (select min(id) from credentials where user_ref = ? and not_after > ? and state <> 'revoked' group by client_ref)`;
  const found = yield* readCredentials(sealing, condition, sealing.reference(user), now);
  return found.map(({ client }) => client);
}
