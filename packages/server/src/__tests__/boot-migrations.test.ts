import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createTestDatabase, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { createEmptyDatabase, ledgerNames, tableNames } from "../db/__tests__/empty-database.ts";
import { migratePhases } from "../db/phases.ts";
import { startServerProgram } from "./server-program.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

describe("a server that starts", () => {
  test("migrates an empty database, and is ready only then", async () => {
    await using database = await createEmptyDatabase();
    await using server = await startServerProgram(database.url);
    const url = await server.url();
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(await ledgerNames(database.sql)).toContain("001_initial.sql");
    server.program.kill("SIGTERM");
    expect(await server.program.exited).toBe(0);
  });

  test("stops at a migration that fails: one line with the reason, no later phase, exit 1", async () => {
    await using database = await createEmptyDatabase();
    await database.sql`CREATE TABLE transcript_messages (id TEXT PRIMARY KEY)`;
    await using server = await startServerProgram(database.url);
    expect(await server.program.exited).toBe(1);
    const lines = server.program.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(
      "Wharf did not start: Migration failed in phase 2: transcripts. 002_transcripts.sql: ",
    );
    expect(server.program.stdout).not.toContain('"msg":"ready"');
    expect(await ledgerNames(database.sql)).toEqual(["001_initial.sql"]);
    expect(await tableNames(database.sql)).not.toContain("git_activity");
  });

  test("refuses an edited migration with a message that names the command to accept it", async () => {
    const database = await createTestDatabase({ migrate: migratePhases });
    await database.sql`UPDATE _migrations SET checksum = 'other' WHERE name = '001_initial.sql'`;
    await using server = await startServerProgram(database.url);
    expect(await server.program.exited).toBe(1);
    expect(server.program.stderr).toContain("bun run migrate --accept 001_initial.sql");
    await database.drop();
  });

  test("serves a database that is newer than itself, with a warning that names the migration", async () => {
    const database = await createTestDatabase({ migrate: migratePhases });
    await database.sql`INSERT INTO _migrations (name, checksum) VALUES ('999_future.sql', 'future')`;
    await using server = await startServerProgram(database.url);
    expect((await fetch(`${await server.url()}/health/ready`)).status).toBe(200);
    const line = await server.program.waitForOutput(/^.*999_future\.sql.*$/m);
    expect(JSON.parse(line[0])).toMatchObject({ level: 40, unknown: ["999_future.sql"] });
    await database.drop();
  });

  test("says that DATABASE_URL is missing in production, and starts no database of its own", async () => {
    await using server = await startServerProgram("", { NODE_ENV: "production" });
    expect(await server.program.exited).toBe(1);
    expect(server.program.stderr).toStartWith(
      "Wharf did not start: DATABASE_URL environment variable is required. In production",
    );
    expect(server.program.stderr).toEndWith("(STORAGE_DB_URL_MISSING)\n");
  });
});
