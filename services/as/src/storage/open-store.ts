import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openSecret, type SealedSecret, sealSecret } from "@mls-as/signers";
import { fromBase64Url, utf8 } from "../binary-text.js";
import { dataPassphrase } from "../ca/development-ca.js";
import { writeDurably } from "@mls-as/service-runtime";
import { PostgresStore } from "./postgres.js";
import { Sealing } from "./sealing.js";
import { SqliteStore } from "./sqlite.js";
import type { Store } from "./store.js";

const CHECK = "data-key-check";
const ASSOCIATED = utf8("mls-as data key");

export interface StoreLocation {
  readonly dataDir: string;
  /** `postgres://user@host/database`; default `MLS_AS_DATABASE_URL`, else SQLite in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** Default as for the keys of the data folder. */
  readonly passphrase?: string | undefined;
}

/**
 * Opens the store of a data folder. Personal data in it is sealed with the data key: `MLS_AS_DATA_KEY` (43 characters
 * base64url), which every process on one database is given alike, else a key of the folder's own, encrypted under its
 * passphrase.
 *
 * @throws Error when the database was written with another data key
 */
export async function openStore({ dataDir, databaseUrl, passphrase }: StoreLocation): Promise<Store> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const sealing = new Sealing(await readDataKey(dataDir, passphrase));
  const url = databaseUrl ?? process.env["MLS_AS_DATABASE_URL"];
  const store =
    url === undefined || url === ""
      ? new SqliteStore(join(dataDir, "as.sqlite"), sealing)
      : await PostgresStore.open(url, sealing);
  try {
    const mine = utf8(sealing.reference(CHECK));
    if (Buffer.compare(await store.claimMeta(CHECK, mine), mine) !== 0)
      throw new Error("the database was written with another data key (MLS_AS_DATA_KEY, or data-key.json)");
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function readDataKey(dataDir: string, passphrase: string | undefined): Promise<Uint8Array> {
  const given = process.env["MLS_AS_DATA_KEY"];
  if (given !== undefined && given !== "") {
    const key = fromBase64Url(given.trim());
    if (key?.length !== 32) throw new Error("MLS_AS_DATA_KEY: must be 32 octets in base64url (43 characters)");
    return key;
  }
  const path = join(dataDir, "data-key.json");
  const secret = await dataPassphrase(dataDir, passphrase);
  try {
    const sealed = JSON.parse(await readFile(path, "utf8")) as SealedSecret;
    return new Uint8Array(await openSecret(secret, sealed, ASSOCIATED));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = new Uint8Array(randomBytes(32));
  await writeDurably(path, `${JSON.stringify(await sealSecret(secret, key, ASSOCIATED))}\n`, 0o600);
  return key;
}
