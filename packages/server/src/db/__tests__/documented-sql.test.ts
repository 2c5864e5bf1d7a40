import { expect, test } from "bun:test";
import { join } from "node:path";
import { useTestDatabase } from "@wharf/testkit";
import { Glob } from "bun";
import { migratePhases } from "../phases.ts";

const DOCS = join(import.meta.dir, "../../../../../docs");
const database = useTestDatabase({ migrate: migratePhases });

/** A test of the job engine runs those of the runbook. */
const statements = (
  await Promise.all(
    [...new Glob("*.md").scanSync(DOCS)].filter((name) => name !== "runbook.md").map(readPage),
  )
).flat();

async function readPage(name: string) {
  const page = await Bun.file(join(DOCS, name)).text();
  const blocks = page.matchAll(/^```sql\n([\s\S]*?)^```$/gm);
  const inline = page.matchAll(/`((?:SELECT|UPDATE|DELETE FROM|INSERT INTO) [^`]+)`/g);
  return [...blocks, ...inline].map(([, sql = ""]) => ({ name, sql }));
}

test("the documentation has statements outside of the runbook", () => {
  expect(statements.length).toBeGreaterThanOrEqual(4);
});

for (const { name, sql } of statements.filter((statement) => !statement.sql.startsWith("CREATE DATABASE"))) {
  test(`a statement in docs/${name} runs on a migrated database: ${sql.split("\n", 1)[0]}`, async () => {
    await database.sql.unsafe(sql);
  });
}
