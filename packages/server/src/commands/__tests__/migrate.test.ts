import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { createEmptyDatabase, ledgerNames, tableNames } from "../../db/__tests__/empty-database.ts";
import { acceptMigration, migratePhases, migrationStatus } from "../../db/phases.ts";
import { runCommand } from "./command.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const AWAY_URL = "postgres://wharf:canary-password@127.0.0.1:1/wharf";

/** As if the file had another content when it was applied. */
async function pretendEdited(name: string): Promise<void> {
  await database.sql`UPDATE _migrations SET checksum = 'of another content' WHERE name = ${name}`;
}

describe("bun run migrate", () => {
  test("applies every phase, lists the files, and applies none the second time", async () => {
    await using empty = await createEmptyDatabase();
    const before = await runCommand(empty.url, "migrate", "--status");
    expect(before.stdout).toStartWith("pending  001_initial.sql\n");
    expect(await tableNames(empty.sql)).toEqual([]);

    const first = await runCommand(empty.url, "migrate");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const names = await ledgerNames(empty.sql);
    for (const name of names) expect(first.stdout).toContain(`applied  ${name}\n`);
    expect(first.stdout).toEndWith(`${names.length} applied, 0 already applied\n`);

    const second = await runCommand(empty.url, "migrate");
    expect(second).toEqual({
      code: 0,
      stdout: `0 applied, ${names.length} already applied\n`,
      stderr: "",
    });
  });

  test("stops at the phase that fails, in one line that names the file and the reason", async () => {
    await using empty = await createEmptyDatabase();
    await empty.sql`CREATE TABLE transcript_messages (id TEXT PRIMARY KEY)`;
    const result = await runCommand(empty.url, "migrate");
    expect(result.code).toBe(1);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(result.stderr).toContain("002_transcripts.sql: ");
    expect(result.stderr).toContain('column "session_id" does not exist');
    expect(await ledgerNames(empty.sql)).toEqual(["001_initial.sql"]);
    expect(await tableNames(empty.sql)).not.toContain("git_activity");
    expect(await tableNames(empty.sql)).not.toContain("content_blocks");
  });

  for (const words of [[], ["--status"], ["--accept", "001_initial.sql"]]) {
    test(`says in one line that the database is unavailable: ${words.join(" ")}`, async () => {
      const result = await runCommand(AWAY_URL, "migrate", ...words);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(result.stderr).toContain("is Postgres running");
    });
  }
});

describe("a file that was edited after it had been applied", () => {
  test("is refused, told by --status, and taken once it is accepted", async () => {
    await pretendEdited("003_git_activity.sql");
    const refused = await runCommand(database.url, "migrate");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("bun run migrate --accept 003_git_activity.sql");

    const status = await runCommand(database.url, "migrate", "--status");
    expect(status.code).toBe(1);
    expect(status.stdout).toContain("edited   003_git_activity.sql");
    expect(status.stdout).toContain("applied  001_initial.sql");

    const accepted = await runCommand(database.url, "migrate", "--accept", "003_git_activity.sql");
    expect(accepted).toEqual({ code: 0, stdout: "accepted 003_git_activity.sql\n", stderr: "" });
    expect((await runCommand(database.url, "migrate")).code).toBe(0);
    expect((await migrationStatus(database.sql)).edited).toEqual([]);
  });

  test("cannot be accepted when there is no such file, or when it was never applied", async () => {
    await expect(acceptMigration(database.sql, "004_nothing.sql")).rejects.toMatchObject({
      code: "STORAGE_MIGRATION_UNKNOWN",
    });
    await using empty = await createEmptyDatabase();
    await expect(acceptMigration(empty.sql, "001_initial.sql")).rejects.toMatchObject({
      code: "STORAGE_MIGRATION_NOT_APPLIED",
    });
  });
});

describe("a database that is newer than the code", () => {
  test("is listed as unknown, without an error", async () => {
    await database.sql`INSERT INTO _migrations (name, checksum) VALUES ('999_future.sql', 'of the future')`;
    expect(await migrationStatus(database.sql)).toMatchObject({
      unknown: ["999_future.sql"],
      pending: [],
      edited: [],
    });
    const status = await runCommand(database.url, "migrate", "--status");
    expect(status.code).toBe(0);
    expect(status.stdout).toContain("unknown  999_future.sql");
    expect((await runCommand(database.url, "migrate")).code).toBe(0);
    await database.sql`DELETE FROM _migrations WHERE name = '999_future.sql'`;
  });
});
