import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { createTestDatabase, useTestDatabase } from "../database.ts";
import { dropDatabasesOf, obstacleToTests, RUN_VARIABLE } from "../template.ts";

let migrations = 0;

async function createBooks(sql: postgres.Sql) {
  migrations += 1;
  await sql`CREATE TABLE books (id int PRIMARY KEY)`;
  await sql`INSERT INTO books VALUES (1)`;
}

const books = useTestDatabase({ migrate: createBooks });
const readEarly = () => books.sql;
const earlyError = (() => {
  try {
    readEarly();
    return undefined;
  } catch (error) {
    return error;
  }
})();

async function exists(url: string): Promise<boolean> {
  const name = new URL(url).pathname.slice(1);
  return (await books.sql`SELECT 1 FROM pg_database WHERE datname = ${name}`).length === 1;
}

describe("a file's database", () => {
  test("holds what its migrate function made", async () => {
    expect([...(await books.sql`SELECT id FROM books`)]).toEqual([{ id: 1 }]);
  });

  test("is also reached by its url", async () => {
    const sql = postgres(books.url, { max: 1 });
    const [row] = await sql`SELECT current_database() AS name`;
    await sql.end();
    expect(books.url).toEndWith(`/${row?.["name"]}`);
  });

  test("cannot be read while the file is loaded", () => {
    expect(earlyError).toBeInstanceOf(Error);
    expect(`${earlyError}`).toContain("only inside tests");
  });
});

describe("databases of one migrate function", () => {
  test("are apart, and the function runs once for all of them", async () => {
    const [one, two] = await Promise.all([
      createTestDatabase({ migrate: createBooks }),
      createTestDatabase({ migrate: createBooks }),
    ]);
    await one.sql`DELETE FROM books`;
    expect(await two.sql`SELECT id FROM books`).toHaveLength(1);
    expect(migrations).toBe(1);
    await Promise.all([one.drop(), two.drop()]);
  });

  test("are empty without one", async () => {
    const empty = await createTestDatabase();
    expect(await empty.sql`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`).toHaveLength(0);
    await empty.drop();
  });

  test("a function that fails rejects, and leaves the next one alone", async () => {
    const failing = () => Promise.reject(new Error("no such table"));
    await expect(createTestDatabase({ migrate: failing })).rejects.toThrow("no such table");
    const next = await createTestDatabase({ migrate: createBooks });
    await next.drop();
  });
});

describe("drop", () => {
  test("removes a database that others are connected to, and may be called twice", async () => {
    const database = await createTestDatabase();
    const other = postgres(database.url, { max: 1, onclose: () => {} });
    await other`SELECT 1`;
    expect(await exists(database.url)).toBe(true);
    await Promise.all([database.drop(), database.drop()]);
    await database.drop();
    expect(await exists(database.url)).toBe(false);
    await other.end({ timeout: 0 });
  });
});

describe("a role that is no superuser", () => {
  const role = { name: `wharf_reader_${process.pid}`, given: "" };

  beforeAll(async () => {
    role.given = process.env["TEST_DATABASE_URL"] ?? "";
    await books.sql`CREATE ROLE ${books.sql(role.name)} LOGIN CREATEDB PASSWORD 'reader'`;
  });

  afterAll(async () => {
    await books.sql`DROP ROLE ${books.sql(role.name)}`;
  });

  test("gets an error with the requirements of the tests", async () => {
    const url = new URL(role.given);
    url.username = role.name;
    url.password = "reader";
    const program = Bun.spawn(
      [
        process.execPath,
        "-e",
        `const { createTestDatabase } = await import(${JSON.stringify(require.resolve("../database.ts"))});
         await createTestDatabase().catch((error) => process.stdout.write(error.message));
         process.exit(0);`,
      ],
      { env: { ...process.env, TEST_DATABASE_URL: url.href }, stdout: "pipe", stderr: "pipe" },
    );
    expect(await new Response(program.stdout).text()).toContain("ALTER ROLE <that role> SUPERUSER");
  });
});

test("the databases that the processes of a run left are dropped, and no others", async () => {
  const run = randomBytes(6).toString("hex");
  const script = `
    const { createTestDatabase } = await import(${JSON.stringify(require.resolve("../database.ts"))});
    const { url } = await createTestDatabase({ migrate: () => Promise.resolve() });
    process.stdout.write(url);
    process.exit(0);`;
  const program = Bun.spawn([process.execPath, "-e", script], {
    env: { ...process.env, [RUN_VARIABLE]: run },
    stdout: "pipe",
  });
  const left = await new Response(program.stdout).text();
  const countLeft = async () =>
    (await books.sql`SELECT FROM pg_database WHERE strpos(datname, ${run}) > 0`).length;
  expect([await exists(left), await countLeft()]).toEqual([true, 2]);
  await dropDatabasesOf(run, books.url);
  expect([await exists(left), await countLeft(), await exists(books.url)]).toEqual([false, 0, true]);
});

test("a Postgres older than 15 is named with its version", () => {
  expect(obstacleToTests({ version_num: 140_020, is_superuser: true })).toContain("is Postgres 14");
  expect(obstacleToTests({ version_num: 150_000, is_superuser: true })).toBeNull();
});
