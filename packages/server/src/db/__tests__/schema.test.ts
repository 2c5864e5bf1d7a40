import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { useTestDatabase } from "@wharf/testkit";
import { runMigrations } from "../migrator.ts";
import { PHASES } from "../phases.ts";
import type { Sql } from "../postgres.ts";
import { dumpSchema } from "./dump-schema.ts";
import { createEmptyDatabase, ledgerNames, tableNames } from "./empty-database.ts";
import { LATER_COLUMNS, PHASE_1_TABLES } from "./expected-schema.ts";

const MIGRATIONS = join(import.meta.dir, "..", "migrations");

/** A dump's tables, each with its lines without the indentation. */
async function readTables(sql: Sql): Promise<Map<string, string[]>> {
  const blocks = (await dumpSchema(sql)).split("\n\n").filter((block) => block.startsWith("TABLE "));
  return new Map(
    blocks.map((block) => {
      const [title = "", ...lines] = block.trimEnd().split("\n");
      return [title.replace("TABLE ", ""), lines.map((line) => line.trim())];
    }),
  );
}

const isColumn = (line: string) => !/^(?:CONSTRAINT|CREATE) /.test(line);
const isIndex = (line: string) => line.startsWith("CREATE INDEX");

describe("the shipped migrations folder", () => {
  test("makes the ledger and the five tables of phase 1 on an empty database", async () => {
    await using database = await createEmptyDatabase();
    expect(await runMigrations(database.sql, MIGRATIONS)).toEqual({
      applied: ["001_initial.sql"],
      skipped: [],
      errors: [],
    });
    expect(await tableNames(database.sql)).toEqual([
      "_migrations",
      "devices",
      "events",
      "sessions",
      "workspace_devices",
      "workspaces",
    ]);
  });

  test("has nothing to do the second time", async () => {
    await using database = await createEmptyDatabase();
    await runMigrations(database.sql, MIGRATIONS);
    const tables = await dumpSchema(database.sql);
    expect(await runMigrations(database.sql, MIGRATIONS)).toEqual({
      applied: [],
      skipped: ["001_initial.sql"],
      errors: [],
    });
    expect(await ledgerNames(database.sql)).toEqual(["001_initial.sql"]);
    expect(await dumpSchema(database.sql)).toBe(tables);
  });

  test("may be applied again after its ledger was lost, because it makes only what is not there", async () => {
    await using database = await createEmptyDatabase();
    await runMigrations(database.sql, MIGRATIONS);
    const tables = await dumpSchema(database.sql);
    await database.sql`DROP TABLE _migrations`;
    expect((await runMigrations(database.sql, MIGRATIONS)).applied).toEqual(["001_initial.sql"]);
    expect(await dumpSchema(database.sql)).toBe(tables);
  });
});

describe("phase 1", () => {
  const database = useTestDatabase({ migrate: (sql) => runMigrations(sql, MIGRATIONS) });
  let tables: Map<string, string[]>;

  beforeAll(async () => {
    tables = await readTables(database.sql);
  });

  for (const [table, expected] of Object.entries(PHASE_1_TABLES)) {
    test(`${table} has these columns, types, defaults, constraints and indexes, and no others`, () => {
      expect(tables.get(table)?.toSorted()).toEqual(expected.toSorted());
    });
  }

  test("_migrations has a name and the time of its application", () => {
    expect(tables.get("_migrations")).toEqual([
      "name text NOT NULL",
      "applied_at timestamp with time zone NOT NULL DEFAULT now()",
      "checksum text",
      "CONSTRAINT _migrations_pkey PRIMARY KEY (name)",
    ]);
  });

  test("has eight indexes besides those of keys", () => {
    const indexes = [...tables.values()].flat().filter(isIndex);
    expect(indexes).toHaveLength(8);
  });

  test("an event may be outside any session", () => {
    expect(tables.get("events")).toContain("session_id text");
  });

  test("a session's remote environment is text without a foreign key, and the file gives the reason", async () => {
    const lines = tables.get("sessions") ?? [];
    expect(lines).toContain("remote_env_id text");
    expect(lines.filter((line) => line.includes("remote_env_id"))).toHaveLength(1);
    const text = await Bun.file(join(MIGRATIONS, "001_initial.sql")).text();
    expect(text).toContain("-- FK to remote_envs added in Phase 5 migration");
  });

  test("a workspace and a device are linked once", async () => {
    expect(tables.get("workspace_devices")).toContain(
      "CONSTRAINT workspace_devices_pkey PRIMARY KEY (workspace_id, device_id)",
    );
    const { sql } = database;
    await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
    await sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
    const link = () =>
      sql`INSERT INTO workspace_devices (workspace_id, device_id, local_path) VALUES ('w', 'd', '/w')`;
    await link();
    await expect(link()).rejects.toMatchObject({ code: "23505" });
  });
});

describe("phases 1 to 5", () => {
  const migrate = async (sql: Sql) => {
    for (const phase of PHASES.slice(0, 5)) await runMigrations(sql, phase.dir);
  };
  const database = useTestDatabase({ migrate });

  test("are each a file in a folder of its own, whose numbers go up", async () => {
    expect(await ledgerNames(database.sql)).toEqual([
      "001_initial.sql",
      "002_transcripts.sql",
      "003_git_activity.sql",
      "004_session_relations.sql",
      "005_remote_envs.sql",
    ]);
  });

  test("have these tables and columns, and no others", async () => {
    const tables = await readTables(database.sql);
    const found = [...tables].map(([name, lines]) => [name, lines.filter(isColumn).toSorted()]);
    const { _migrations, ...ours } = Object.fromEntries(found);
    const phase1 = Object.entries(PHASE_1_TABLES).map(([name, lines]) => [name, lines.filter(isColumn)]);
    const expected: Record<string, string[]> = { ...Object.fromEntries(phase1), ...LATER_COLUMNS };
    expected["sessions"] = (expected["sessions"] ?? []).map((line) =>
      line === "duration_ms integer" ? "duration_ms bigint" : line,
    );
    expect(ours).toEqual(
      Object.fromEntries(Object.entries(expected).map(([name, lines]) => [name, lines.toSorted()])),
    );
    expect(_migrations).toHaveLength(3);
  });

  test("tie a session to its remote environment by a foreign key, from phase 5 on", async () => {
    expect((await readTables(database.sql)).get("sessions")).toContain(
      "CONSTRAINT sessions_remote_env_id_fkey FOREIGN KEY (remote_env_id) REFERENCES remote_envs(id)",
    );
  });

  test("delete what belongs to a session with it, but not its events and its git activity", async () => {
    const rows = await database.sql<{ child: string; action: string }[]>`
      SELECT conrelid::regclass::text AS child, confdeltype::text AS action
      FROM pg_constraint WHERE contype = 'f' AND confrelid = 'sessions'::regclass ORDER BY 1`;
    const cascading = rows.filter(({ action }) => action === "c").map(({ child }) => child);
    expect(cascading).toEqual([
      "content_blocks",
      "session_skills",
      "session_worktrees",
      "subagents",
      "teammates",
      "teams",
      "transcript_messages",
    ]);
    expect(rows.filter(({ action }) => action !== "c").map(({ child }) => child)).toEqual([
      "events",
      "git_activity",
    ]);
  });
});
