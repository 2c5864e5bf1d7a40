import { StorageError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { describeDatabaseError, isUnavailable } from "./database-errors.ts";

/**
 * The oldest version that the Postgres project still supports, and the first with GRANT SET ON PARAMETER, which a role that is no
 * superuser needs for ingest at full speed.
 */
const POSTGRES_MAJOR_MIN = 15;
const ENCODING = "UTF8";
/** The advice at a start: the database may hold data. */
export const USE_OTHER_ENCODING = "and set DATABASE_URL to it. pg_dump and psql take the data over.";

export type ServerFacts = {
  /** As server_version_num has it: 150019 is 15.19. */
  version_num: number;
  version: string;
  encoding: string;
};

/** Checked before migrations: an older Postgres stops half-way, and another encoding always refuses some events. */
export async function requireUsableDatabase(connection: Connection): Promise<void> {
  const facts = await readFacts(connection);
  const obstacle = facts === undefined ? null : obstacleIn(facts);
  if (obstacle !== null) throw obstacle;
}

async function readFacts({ query }: Connection): Promise<ServerFacts | undefined> {
  try {
    const [facts] = await query<ServerFacts[]>`
      SELECT current_setting('server_version_num')::int AS version_num, current_setting('server_version') AS version,
        current_setting('server_encoding') AS encoding`;
    return facts;
  } catch (error) {
    const code = isUnavailable(error) ? "STORAGE_UNAVAILABLE" : "STORAGE_REFUSED";
    throw new StorageError(`The database cannot be used: ${describeDatabaseError(error)}.`, code);
  }
}

/** Why Wharf cannot use this database, and what to do; null if it can. */
export function obstacleIn({ version_num, version, encoding }: ServerFacts): StorageError | null {
  if (version_num < POSTGRES_MAJOR_MIN * 10_000) {
    return new StorageError(
      `Wharf requires Postgres ${POSTGRES_MAJOR_MIN} or newer, and this is ${version}: upgrade it, or set DATABASE_URL to a newer one.`,
      "STORAGE_DB_VERSION",
    );
  }
  if (encoding === ENCODING) return null;
  return new StorageError(
    `Wharf requires a database with the encoding UTF8, and this one has ${encoding}: create one with ` +
      `CREATE DATABASE wharf TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'; ${USE_OTHER_ENCODING}`,
    "STORAGE_DB_ENCODING",
  );
}
