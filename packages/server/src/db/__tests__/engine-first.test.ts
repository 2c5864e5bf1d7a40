import { expect, test } from "bun:test";
import { migrateJobs } from "@wharf/job-runner/postgres";
import { createTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../phases.ts";

test("a database with tables created by the engine alone works with the server, and then again with the engine alone", async () => {
  const database = await createTestDatabase();
  try {
    const made = await migrateJobs(database.sql);
    const { applied, skipped } = await migratePhases(database.sql);
    expect(skipped).toEqual(made);
    expect(applied.length).toBeGreaterThan(made.length);
    expect(await migrateJobs(database.sql)).toEqual([]);
  } finally {
    await database.drop();
  }
}, 60_000);
