import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.js";
import { type Leadership, PostgresLeadership } from "./leadership.js";
import { PostgresLogStore } from "./postgres.js";
import { SqliteLogStore } from "./sqlite.js";
import { SqliteLeadership } from "./sqlite-leadership.js";
import type { LogStore } from "./store.js";

/** The embedded database's file in the data folder. */
export const DATABASE_FILE = "log.sqlite";

type Place = Pick<Config, "dataDir" | "databaseUrl">;

/** Opens the database that the configuration names; an embedded one is made where there is none. */
export async function openStore({
  dataDir,
  databaseUrl,
  cacheMegabytes,
}: Place & Pick<Config, "cacheMegabytes">): Promise<LogStore> {
  const cacheBytes = cacheMegabytes * 2 ** 20;
  return databaseUrl === undefined
    ? new SqliteLogStore(join(dataDir, DATABASE_FILE), cacheBytes)
    : PostgresLogStore.open(databaseUrl, undefined, cacheBytes);
}

/** Whether `init` has run to its end. */
export async function isInitialised({ dataDir, databaseUrl }: Place): Promise<boolean> {
  if (databaseUrl === undefined) return existsSync(join(dataDir, DATABASE_FILE));
  const store = await PostgresLogStore.open(databaseUrl, 1);
  try {
    return (await store.setting("configuration")) !== undefined;
  } finally {
    await store.close();
  }
}

export async function openLeadership({ dataDir, databaseUrl }: Place): Promise<Leadership> {
  return databaseUrl === undefined ? SqliteLeadership.start(dataDir) : PostgresLeadership.start(databaseUrl);
}
