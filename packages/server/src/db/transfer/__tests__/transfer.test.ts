import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createTestDatabase, TEST_TIMEOUT_MS, type TestDatabase } from "@wharf/testkit";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { dumpSchema } from "../../__tests__/dump-schema.ts";
import { migratePhases, migrationStatus } from "../../phases.ts";
import { loadInto } from "../load.ts";
import { openSnapshot, type RowSource } from "../snapshot.ts";
import { contentsOf, seedEveryTable } from "./seed-every-table.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const server = setupApp();
let target: TestDatabase;
beforeEach(async () => {
  target = await createTestDatabase();
});
afterEach(() => target.drop());

const silent = { onRows: () => {}, onTable: () => {}, onUnknownTable: () => {} };

async function move(change: (source: RowSource) => RowSource = (source) => source): Promise<string[]> {
  const unknown: string[] = [];
  const snapshot = await openSnapshot(server.sql);
  try {
    await loadInto(target.sql, change(snapshot), {
      ...silent,
      onUnknownTable: (table) => unknown.push(table),
    });
    return unknown;
  } finally {
    await snapshot.close();
  }
}

async function sequencesOf({ sql }: Pick<TestDatabase, "sql">) {
  return [...(await sql`SELECT sequencename, last_value FROM pg_sequences ORDER BY 1`)];
}

describe("a move to an empty database", () => {
  test("copies every row of every table, the schema and the sequences", async () => {
    await seedEveryTable(server);
    const before = await contentsOf(server);
    const empty = Object.keys(before).filter((name) => before[name]?.length === 0);
    expect(empty).toEqual([]);
    expect(await move()).toEqual([]);
    expect(await contentsOf(target)).toEqual(before);
    expect(await sequencesOf(target)).toEqual(await sequencesOf(server));
    expect(await dumpSchema(target.sql)).toBe(await dumpSchema(server.sql));
  });

  test("tells NULL from a jsonb null", async () => {
    await seedEveryTable(server);
    await move();
    const [row] =
      await target.sql`SELECT tool_input IS NULL AS absent, tool_input::text AS text, result_text FROM content_blocks WHERE id = 'b1'`;
    expect(row).toEqual({ absent: false, text: "null", result_text: null });
  });

  test("omits change_log, whose transaction ids belong to the other cluster, and continues its numbers", async () => {
    await seedEveryTable(server);
    await move();
    expect([...(await target.sql`SELECT 1 FROM change_log`)]).toEqual([]);
    const [last] = await server.sql<{ position: string }[]>`SELECT max(position) AS position FROM change_log`;
    const [next] = await target.sql<
      { position: string }[]
    >`INSERT INTO change_log (kind) VALUES ('events') RETURNING position`;
    expect(Number(next?.position)).toBe(Number(last?.position) + 1);
  });

  test("takes what was committed when it began, and nothing of later", async () => {
    await seedEveryTable(server);
    const before = await contentsOf(server);
    await move((source) => ({
      ...source,
      rows: async function* (table) {
        await server.sql`INSERT INTO session_tombstones (session_id) VALUES (${table})`;
        yield* source.rows(table);
      },
    }));
    expect(await contentsOf(target)).toEqual(before);
  });

  test("works where the role is no superuser", async () => {
    await seedEveryTable(server);
    const role = `wharf_plain_${process.pid}`;
    const name = new URL(target.url).pathname.slice(1);
    await target.sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'plain-password'`);
    await target.sql.unsafe(`ALTER DATABASE ${name} OWNER TO ${role}`);
    await target.sql.unsafe(`ALTER SCHEMA public OWNER TO ${role}`);
    const url = new URL(target.url);
    url.username = role;
    url.password = "plain-password";
    const { createDb, closeDb } = await import("../../postgres.ts");
    const plain = createDb(url.href, { max: 2 });
    const snapshot = await openSnapshot(server.sql);
    try {
      await loadInto(plain, snapshot, silent);
      expect(await contentsOf(target)).toEqual(await contentsOf(server));
    } finally {
      await snapshot.close();
      await closeDb(plain);
      await target.drop();
      await server.sql.unsafe(`DROP ROLE ${role}`);
    }
  });

  test("runs the migrations that the source lacks after its rows are there", async () => {
    await seedEveryTable(server);
    const lacking = ["180_notes_of_sessions.sql", "190_key_life.sql"];
    await move((source) => {
      const { migrations, sequences } = source.contents;
      const older = migrations.filter((name) => !lacking.includes(name));
      return { contents: { migrations: older, tables: [], sequences }, rows: source.rows };
    });
    const applied = await target.sql<
      { name: string }[]
    >`SELECT name FROM _migrations WHERE name IN ${target.sql(lacking)}`;
    expect(applied).toHaveLength(lacking.length);
  });

  test("brings the rows of an older schema to today's, with what the later migrations make of them", async () => {
    const old = await createTestDatabase();
    try {
      const { pending } = await migrationStatus(old.sql);
      const older = pending.filter((name) => name < "130" && !name.includes("totals"));
      await migratePhases(old.sql, { only: new Set(older) });
      await old.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'github.com/acme/site', 'site')`;
      await old.sql`INSERT INTO devices (id, name, type) VALUES ('d', 'laptop', 'local')`;
      await old.sql`INSERT INTO sessions (id, workspace_id, device_id, started_at) VALUES ('s', 'w', 'd', now())`;
      const snapshot = await openSnapshot(old.sql);
      await loadInto(target.sql, snapshot, silent);
      await snapshot.close();
      expect([...(await target.sql`SELECT session_count FROM session_totals`)]).toEqual([
        { session_count: "1" },
      ]);
      expect((await migrationStatus(target.sql)).pending).toEqual([]);
      expect(await dumpSchema(target.sql)).toBe(await dumpSchema(server.sql));
    } finally {
      await old.drop();
    }
  });

  test("names a table that is not Wharf's, and copies the rest", async () => {
    await server.sql`CREATE TABLE of_somebody (id int)`;
    await server.sql`INSERT INTO of_somebody VALUES (1)`;
    try {
      await seedEveryTable(server);
      expect(await move()).toEqual(["of_somebody"]);
    } finally {
      await server.sql`DROP TABLE of_somebody`;
    }
  });
});

describe("a target that", () => {
  test("has rows is refused and stays as it was", async () => {
    await migratePhases(target.sql);
    await target.sql`INSERT INTO session_tombstones (session_id) VALUES ('kept')`;
    await expect(move()).rejects.toMatchObject({
      code: "TRANSFER_TARGET_NOT_EMPTY",
      message: expect.stringContaining("it holds session_tombstones"),
    });
    expect([...(await target.sql`SELECT session_id FROM session_tombstones`)]).toEqual([
      { session_id: "kept" },
    ]);
  });

  test("has tables of another program is refused and stays unchanged", async () => {
    await target.sql`CREATE TABLE customers (id int)`;
    await expect(move()).rejects.toThrow("it holds customers");
    expect([...(await target.sql`SELECT relname FROM pg_class WHERE relname = '_migrations'`)]).toEqual([]);
  });

  test("is the source is refused, also when it has no rows", async () => {
    const snapshot = await openSnapshot(server.sql);
    try {
      await expect(loadInto(server.sql, snapshot, silent)).rejects.toMatchObject({ code: "TRANSFER_LOCKED" });
    } finally {
      await snapshot.close();
    }
  });

  test("has migrations that the source lacks is refused", async () => {
    await migratePhases(target.sql);
    const older = move((source) => ({
      ...source,
      contents: { ...source.contents, migrations: source.contents.migrations.slice(0, -1) },
    }));
    await expect(older).rejects.toThrow("its schema is newer");
  });

  test("was migrated and has no rows is taken", async () => {
    await migratePhases(target.sql);
    await seedEveryTable(server);
    await move();
    expect(await contentsOf(target)).toEqual(await contentsOf(server));
  });
});

describe("a source that", () => {
  test("has no tables of Wharf is refused", async () => {
    await expect(openSnapshot(target.sql)).rejects.toMatchObject({ code: "TRANSFER_NO_DATA" });
  });

  test("is of a newer version is refused before the target gets a table", async () => {
    const newer = move((source) => ({
      ...source,
      contents: { ...source.contents, migrations: [...source.contents.migrations, "999_next.sql"] },
    }));
    await expect(newer).rejects.toMatchObject({ code: "TRANSFER_NEWER_VERSION" });
    expect([...(await target.sql`SELECT relname FROM pg_class WHERE relname = '_migrations'`)]).toEqual([]);
  });

  const valid = [
    "e1",
    "test",
    "2025-01-01 00:00:00+00",
    "laptop",
    "nowhere",
    null,
    "{}",
    "[]",
    "2025-01-01 00:00:00+00",
  ];
  for (const [name, row] of [
    ["a row without its parent", valid],
    ["a value that its column refuses", valid.with(2, "yesterday-ish")],
    ["a row of too few values", valid.slice(0, 2)],
    ["a row of too many values", [...valid, "more"]],
  ] as const) {
    test(`sends ${name} fails as a whole, and the next attempt is taken`, async () => {
      await seedEveryTable(server);
      const broken = move((source) => ({
        ...source,
        rows: async function* (table) {
          yield* source.rows(table);
          if (table === "events") yield JSON.stringify(row);
        },
      }));
      await expect(broken).rejects.toThrow();
      const rows = Object.values(await contentsOf(target)).flat();
      expect(rows).toEqual([]);
      await move();
      expect(await contentsOf(target)).toEqual(await contentsOf(server));
    });
  }

  test("sends a value that the target stores in another form fails by the comparison", async () => {
    const changed = move((source) => ({
      ...source,
      rows: async function* (table) {
        yield* source.rows(table);
        if (table === "session_tombstones") yield JSON.stringify(["gone", "2025-01-01T00:00:00Z"]);
      },
    }));
    await expect(changed).rejects.toMatchObject({ code: "TRANSFER_NOT_EQUAL" });
    expect(Object.values(await contentsOf(target)).flat()).toEqual([]);
  });

  test("loses its connection fails as a whole", async () => {
    await seedEveryTable(server);
    const broken = move((source) => ({
      ...source,
      rows: async function* (table) {
        if (table === "sessions") {
          await server.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'
            AND datname = current_database()`;
        }
        yield* source.rows(table);
      },
    }));
    await expect(broken).rejects.toThrow();
    expect(Object.values(await contentsOf(target)).flat()).toEqual([]);
  });
});
