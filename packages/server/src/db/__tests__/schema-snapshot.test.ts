import { expect, test } from "bun:test";
import { join } from "node:path";
import { useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../phases.ts";
import { dumpSchema } from "./dump-schema.ts";

const SNAPSHOT = join(import.meta.dir, "..", "schema.snapshot.txt");
const HOW_TO_UPDATE = "Is the change meant? Then write it with: bun run schema:snapshot";

const database = useTestDatabase({ migrate: migratePhases });

test("the schema after all phases is the committed snapshot, and a difference names the command to update it", async () => {
  const schema = await dumpSchema(database.sql);
  if (process.env["UPDATE_SCHEMA_SNAPSHOT"] === "1") await Bun.write(SNAPSHOT, schema);
  expect(schema, HOW_TO_UPDATE).toBe(await Bun.file(SNAPSHOT).text());
});

test("the dump is the same on another day", async () => {
  expect(await dumpSchema(database.sql)).not.toMatch(/20\d{6}|20\d\d-\d\d-\d\d/);
});

test("the dump tells a changed default, constraint, index, trigger and function from the ones before", async () => {
  const before = await dumpSchema(database.sql);
  const changes = [
    "ALTER TABLE devices ALTER COLUMN status SET DEFAULT 'offline'",
    "ALTER TABLE devices DROP CONSTRAINT devices_type_check",
    "DROP INDEX idx_events_type",
    "ALTER TABLE sessions DROP CONSTRAINT sessions_remote_env_id_fkey",
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP TRIGGER sessions_not_deleted ON sessions",
  ];
  const seen = new Set([before]);
  for (const change of changes) {
    await database.sql.unsafe(change);
    seen.add(await dumpSchema(database.sql));
  }
  expect(seen.size).toBe(changes.length + 1);
});
