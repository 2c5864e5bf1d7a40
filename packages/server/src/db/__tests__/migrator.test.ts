import { describe, expect, test } from "bun:test";
import { chmod, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { runMigrations } from "../migrator.ts";
import { closeDb, createDb } from "../postgres.ts";
import { createEmptyDatabase, ledgerNames, tableNames } from "./empty-database.ts";
import { createMigrationFolder } from "./migration-folder.ts";

const BOOKS = "CREATE TABLE books (id INTEGER PRIMARY KEY);";
const PAGES = "CREATE TABLE pages (id INTEGER PRIMARY KEY, book_id INTEGER REFERENCES books (id));";

describe("a folder of good files", () => {
  test("is applied in the order of the names, and skipped by the second run", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "002_pages.sql": PAGES, "001_books.sql": BOOKS });
    const names = ["001_books.sql", "002_pages.sql"];
    expect(await runMigrations(database.sql, folder.path)).toEqual({
      applied: names,
      skipped: [],
      errors: [],
    });
    expect(await runMigrations(database.sql, folder.path)).toEqual({
      applied: [],
      skipped: names,
      errors: [],
    });
    expect(await ledgerNames(database.sql)).toEqual(names);
    expect(await tableNames(database.sql)).toEqual(["_migrations", "books", "pages"]);
  });

  test("applies the one that was added later", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS });
    await runMigrations(database.sql, folder.path);
    await folder.write("002_pages.sql", PAGES);
    expect(await runMigrations(database.sql, folder.path)).toEqual({
      applied: ["002_pages.sql"],
      skipped: ["001_books.sql"],
      errors: [],
    });
  });

  test("takes a ledger that another program made, without checksums, as it is", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS, "002_pages.sql": PAGES });
    await database.sql`
      CREATE TABLE _migrations (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())`;
    await database.sql.unsafe(`${BOOKS} INSERT INTO _migrations (name) VALUES ('001_books.sql')`);
    expect(await runMigrations(database.sql, folder.path)).toEqual({
      applied: ["002_pages.sql"],
      skipped: ["001_books.sql"],
      errors: [],
    });
  });

  test("runs longer than the pool's own statement timeout allows", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_timeout.sql": "CREATE TABLE timeouts AS SELECT current_setting('statement_timeout') AS value;",
    });
    const pool = createDb(database.url);
    const [row] = await pool`SELECT current_setting('statement_timeout') AS value`;
    expect(row?.["value"]).toBe("10s");
    await runMigrations(pool, folder.path);
    expect([...(await pool`SELECT value FROM timeouts`)]).toEqual([{ value: "0" }]);
    await closeDb(pool);
  });
});

describe("a folder with nothing to do", () => {
  test("may be missing or empty, and leaves the database alone", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder();
    const nothing = { applied: [], skipped: [], errors: [] };
    expect(await runMigrations(database.sql, folder.path)).toEqual(nothing);
    expect(await runMigrations(database.sql, join(folder.path, "missing"))).toEqual(nothing);
    expect(await tableNames(database.sql)).toEqual([]);
  });

  test("may hold other files and subfolders, which are not read", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "README.md": "not SQL",
      "001_books.sql.orig": "not SQL",
      "001_books.SQL~": "not SQL",
      "._001_books.sql": "what a Mac leaves behind",
    });
    await mkdir(join(folder.path, "phase-2"));
    await Bun.write(join(folder.path, "phase-2", "002_pages.sql"), PAGES);
    const result = await runMigrations(database.sql, folder.path);
    expect(result).toEqual({ applied: [], skipped: [], errors: [] });
  });
});

describe("a file that fails", () => {
  test("is rolled back and reported, and the files after it are applied", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_books.sql": BOOKS,
      "002_half.sql": "CREATE TABLE half (id INTEGER); SELECT no_such_function();",
      "003_pages.sql": PAGES,
    });
    const result = await runMigrations(database.sql, folder.path);
    expect(result.applied).toEqual(["001_books.sql", "003_pages.sql"]);
    expect(result.errors).toEqual([
      { name: "002_half.sql", error: "function no_such_function() does not exist (SQLSTATE 42883)" },
    ]);
    expect(await tableNames(database.sql)).toEqual(["_migrations", "books", "pages"]);
    expect(await ledgerNames(database.sql)).toEqual(["001_books.sql", "003_pages.sql"]);
  });

  test("is applied by a later run, once it is fixed", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": "CREATE TABEL books ();" });
    expect((await runMigrations(database.sql, folder.path)).errors).toHaveLength(1);
    await folder.write("001_books.sql", BOOKS);
    expect((await runMigrations(database.sql, folder.path)).applied).toEqual(["001_books.sql"]);
  });

  test("is not named with the values of the row that it stumbled over", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_secret.sql":
        "CREATE TABLE keys (value TEXT UNIQUE); INSERT INTO keys VALUES ('s3cret-value'), ('s3cret-value');",
      "002_secret.sql": "SELECT 's3cret-value'::integer;",
    });
    const { errors } = await runMigrations(database.sql, folder.path);
    expect(errors).toHaveLength(2);
    expect(JSON.stringify(errors)).not.toContain("s3cret-value");
  });
});

describe("a file that cannot be read", () => {
  test("is reported, with the others applied: a folder, a link into nowhere", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS, "004_pages.sql": PAGES });
    await mkdir(join(folder.path, "002_folder.sql"));
    await symlink(join(folder.path, "missing"), join(folder.path, "003_link.sql"));
    expect(await runMigrations(database.sql, folder.path)).toEqual({
      applied: ["001_books.sql", "004_pages.sql"],
      skipped: [],
      errors: [
        { name: "002_folder.sql", error: "cannot be read (EISDIR)" },
        { name: "003_link.sql", error: "cannot be read (ENOENT)" },
      ],
    });
    expect(await ledgerNames(database.sql)).toEqual(["001_books.sql", "004_pages.sql"]);
  });

  test("is reported when nothing else is there, without touching the database", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder();
    await mkdir(join(folder.path, "001_folder.sql"));
    const result = await runMigrations(database.sql, folder.path);
    expect(result.errors).toEqual([{ name: "001_folder.sql", error: "cannot be read (EISDIR)" }]);
    expect(await tableNames(database.sql)).toEqual([]);
  });

  test("is reported when its mode forbids it, except to root, who may read it", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS });
    await chmod(join(folder.path, "001_books.sql"), 0o000);
    const { applied, errors } = await runMigrations(database.sql, folder.path);
    if (process.getuid?.() === 0) expect(applied).toEqual(["001_books.sql"]);
    else expect(errors).toEqual([{ name: "001_books.sql", error: "cannot be read (EACCES)" }]);
  });

  test("a folder that cannot be listed is an error that names it", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "a-file": "" });
    const path = join(folder.path, "a-file");
    await expect(runMigrations(database.sql, path)).rejects.toMatchObject({
      code: "STORAGE_MIGRATIONS_UNREADABLE",
      message: `The migration folder ${path} cannot be read (ENOTDIR).`,
    });
  });
});

describe("a file that was edited after it had been applied", () => {
  test("is refused by a message with the command to accept it, and the others are applied", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS });
    await runMigrations(database.sql, folder.path);
    await folder.write("001_books.sql", `${BOOKS} CREATE TABLE extra (id INTEGER);`);
    await folder.write("002_pages.sql", PAGES);
    const result = await runMigrations(database.sql, folder.path);
    expect(result.applied).toEqual(["002_pages.sql"]);
    expect(result.skipped).toEqual([]);
    expect(result.errors).toHaveLength(1);
    expect(result.errors[0]?.error).toContain("bun run migrate --accept 001_books.sql");
    expect(await tableNames(database.sql)).toEqual(["_migrations", "books", "pages"]);
  });
});

describe("a file whose line ends another git wrote", () => {
  const crlf = (text: string) => text.replaceAll("\n", "\r\n");
  const text = "-- one\nCREATE TABLE lines (\n  id INTEGER\n);\n";

  test("is the same file, in either order of application", async () => {
    for (const [first, then] of [
      [text, crlf(text)],
      [crlf(text), text],
    ] as const) {
      await using database = await createEmptyDatabase();
      await using folder = await createMigrationFolder({ "001_lines.sql": first });
      expect(await runMigrations(database.sql, folder.path)).toMatchObject({ errors: [] });
      await folder.write("001_lines.sql", then);
      expect(await runMigrations(database.sql, folder.path)).toEqual({
        applied: [],
        skipped: ["001_lines.sql"],
        errors: [],
      });
    }
  });

  test("is accepted by the checksum of its bytes, which earlier versions recorded", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_lines.sql": text });
    await runMigrations(database.sql, folder.path);
    const bytes = new Bun.CryptoHasher("sha256").update(crlf(text)).digest("hex");
    await database.sql`UPDATE _migrations SET checksum = ${bytes}`;
    expect(await runMigrations(database.sql, folder.path)).toMatchObject({ errors: [] });
    await folder.write("001_lines.sql", crlf(`${text}-- edited\n`));
    expect((await runMigrations(database.sql, folder.path)).errors).toHaveLength(1);
  });

  test("runs with a byte order mark at its beginning, also without a transaction", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_lines.sql": `\uFEFF${crlf(text)}`,
      "002_index.sql": `\uFEFF${crlf("-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY lines_id ON lines (id);\n")}`,
    });
    expect(await runMigrations(database.sql, folder.path)).toMatchObject({
      applied: ["001_lines.sql", "002_index.sql"],
      errors: [],
    });
  });
});

describe("a file marked `-- migrate:no-transaction`", () => {
  const INDEX = `-- migrate:no-transaction
-- Not blocking writers; a semicolon here is no end of a statement.
DROP INDEX CONCURRENTLY IF EXISTS idx_books;
CREATE INDEX CONCURRENTLY idx_books ON books (id) WHERE id <> length('a;b -- c');
COMMENT ON INDEX idx_books IS $text$one; two -- three$text$;
`;

  test("runs its statements one by one, so that it may build an index concurrently", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_books.sql": BOOKS, "002_index.sql": INDEX });
    expect(await runMigrations(database.sql, folder.path)).toMatchObject({
      applied: ["001_books.sql", "002_index.sql"],
      errors: [],
    });
    const [index] = await database.sql`
      SELECT indisvalid AS valid, obj_description(indexrelid) AS comment
      FROM pg_index WHERE indexrelid = 'idx_books'::regclass`;
    expect({ ...index }).toEqual({ valid: true, comment: "one; two -- three" });
  });

  test("without the mark the same file is refused", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_books.sql": BOOKS,
      "002_index.sql": INDEX.replace("-- migrate:no-transaction\n", ""),
    });
    const { errors } = await runMigrations(database.sql, folder.path);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.error).toContain("cannot run inside a transaction block");
  });

  test("that fails half-way is not in the ledger, and its repeatable statements run again", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_rows.sql": `${BOOKS} CREATE TABLE names (name TEXT); INSERT INTO names VALUES ('same'), ('same');`,
      "002_index.sql": `-- migrate:no-transaction
        CREATE TABLE IF NOT EXISTS first_step (id INTEGER);
        DROP INDEX CONCURRENTLY IF EXISTS idx_names;
        CREATE UNIQUE INDEX CONCURRENTLY idx_names ON names (name);`,
    });
    expect((await runMigrations(database.sql, folder.path)).errors).toHaveLength(1);
    expect(await tableNames(database.sql)).toContain("first_step");
    expect(await ledgerNames(database.sql)).toEqual(["001_rows.sql"]);
    await database.sql`DELETE FROM names`;
    expect(await runMigrations(database.sql, folder.path)).toMatchObject({
      applied: ["002_index.sql"],
      errors: [],
    });
  });
});
