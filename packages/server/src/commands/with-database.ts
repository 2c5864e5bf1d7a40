import type { Config } from "../config.ts";
import { type DatabaseUse, locateDatabase } from "../db/embedded.ts";
import { closeDb, createDb, type DbOptions, type Sql } from "../db/postgres.ts";
import { resolveFromRoot } from "../environment.ts";

export type CommandPool = DbOptions & {
  use: DatabaseUse;
  /** Over DATABASE_DIRECT_URL, where that is set. */
  isDirect: boolean;
};

/** Runs `work` on the database of the configuration, embedded or not, and closes it afterwards. */
export async function withDatabase<T>(
  config: Config,
  { use, isDirect, ...options }: CommandPool,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const location = await locateDatabase(config, resolveFromRoot(config.dataDir), use);
  try {
    const directUrl = isDirect ? config.databaseDirectUrl : undefined;
    const isPooled = directUrl === undefined && (await location.findPooler()).isPooled;
    const sql = createDb(directUrl ?? location.url, { ...options, isPooled });
    return await work(sql).finally(() => closeDb(sql));
  } finally {
    await location.close();
  }
}
