import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import postgres from "postgres";
import { createDatabase, dropDatabase, type Migrate, templateFor, uniqueName, urlOf } from "./template.ts";
import { TEST_TIMEOUT_MS } from "./timeout.ts";

const CONNECT_TIMEOUT_S = 10;
const END_TIMEOUT_S = 1;

export type TestDatabaseOptions = { migrate?: Migrate };

export type TestDatabase = {
  url: string;
  sql: postgres.Sql;
  /** Ends the pool and removes the database, despite other connections; a second call has no effect. */
  drop(): Promise<void>;
};

/** A separate database: empty, or as `migrate` leaves it (which runs once in this process; copies are made of it). */
export async function createTestDatabase({ migrate }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const name = uniqueName("test");
  await createDatabase(name, migrate ? await templateFor(migrate) : undefined);
  const url = await urlOf(name);
  const sql = postgres(url, { connect_timeout: CONNECT_TIMEOUT_S, onnotice: () => {} });
  let dropped: Promise<void> | undefined;
  const drop = async () => {
    await sql.end({ timeout: END_TIMEOUT_S });
    await dropDatabase(name);
  };
  return {
    url,
    sql,
    drop: () => {
      dropped ??= drop();
      return dropped;
    },
  };
}

/**
 * A database for the tests of the file (or `describe`) that calls this, dropped after the last of them.
 * Tests that are defined after the call have TEST_TIMEOUT_MS.
 */
export function useTestDatabase(options: TestDatabaseOptions = {}): {
  readonly url: string;
  readonly sql: postgres.Sql;
} {
  let database: TestDatabase | undefined;
  setDefaultTimeout(TEST_TIMEOUT_MS);
  beforeAll(async () => {
    database = await createTestDatabase(options);
  }, TEST_TIMEOUT_MS);
  afterAll(async () => {
    await database?.drop();
    database = undefined;
  }, TEST_TIMEOUT_MS);
  const current = () => {
    if (database) return database;
    throw new Error("The test database exists only inside tests and hooks: read `sql` and `url` there.");
  };
  return {
    get url() {
      return current().url;
    },
    get sql() {
      return current().sql;
    },
  };
}
