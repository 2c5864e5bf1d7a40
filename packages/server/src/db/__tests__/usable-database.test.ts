import { describe, expect, test } from "bun:test";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { spawnServer } from "../../__tests__/faults/server-process.ts";
import { migratePhases } from "../phases.ts";
import { closeDb, createDb } from "../postgres.ts";
import { obstacleIn } from "../usable-database.ts";

const database = useTestDatabase();

describe("the version of Postgres", () => {
  for (const [version_num, version] of [
    [90_624, "9.6.24"],
    [130_023, "13.23 (Debian 13.23-1)"],
    [140_020, "14.20"],
  ] as const) {
    test(`${version} is refused, and the oldest that is taken is named`, () => {
      const obstacle = obstacleIn({ version_num, version, encoding: "UTF8" });
      expect(obstacle?.code).toBe("STORAGE_DB_VERSION");
      expect(obstacle?.message).toContain(`requires Postgres 15 or newer, and this is ${version}`);
    });
  }

  for (const version_num of [150_000, 160_004, 180_000, 200_000])
    test(`${version_num} is taken`, () => {
      expect(obstacleIn({ version_num, version: "", encoding: "UTF8" })).toBeNull();
    });
});

describe("a database that is not in UTF8", () => {
  for (const encoding of ["LATIN1", "SQL_ASCII", "WIN1252"]) {
    test(
      `but in ${encoding} is refused before anything is made in it, with how to make another`,
      async () => {
        const name = `wharf_test_${encoding.toLowerCase()}_${process.pid}`;
        const url = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
        await database.sql.unsafe(
          `CREATE DATABASE ${name} TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C' LOCALE_PROVIDER libc`,
        );
        const sql = createDb(url, { max: 1 });
        try {
          await expect(migratePhases(sql)).rejects.toMatchObject({
            code: "STORAGE_DB_ENCODING",
            message: expect.stringMatching(
              new RegExp(`has ${encoding}: .*CREATE DATABASE .* ENCODING 'UTF8'`),
            ),
          });
          expect(await sql`SELECT 1 FROM pg_class WHERE relname = '_migrations'`).toHaveLength(0);
        } finally {
          await closeDb(sql);
          await database.sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
        }
      },
      TEST_TIMEOUT_MS,
    );
  }

  test("stops a server at its start with one line", async () => {
    const name = `wharf_test_boot_${process.pid}`;
    await database.sql.unsafe(
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc`,
    );
    const url = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
    const program = spawnServer({ DATABASE_URL: url });
    expect(await program.exited).toBe(1);
    expect(program.stderr).toMatch(/^Wharf did not start: .*UTF8.*\(STORAGE_DB_ENCODING\)\n$/);
    await database.sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
  });
});
