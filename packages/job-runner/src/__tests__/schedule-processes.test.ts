import { expect, test } from "bun:test";
import { join } from "node:path";
import { spawnProgram, useTestDatabase } from "@wharf/testkit";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";

const PROCESSES = 8;
/** The day on which Berlin's clocks are set back: 25 hours. */
const FROM = "2026-10-24T22:00:00Z";
const UNTIL = "2026-10-25T23:00:00Z";
const TICK_MS = 300_000;

const database = useTestDatabase({ migrate: migrateJobs });

test("eight processes enqueue each tick of a day of 25 hours once", async () => {
  const { sql, url } = database;
  const programs = Array.from({ length: PROCESSES }, () =>
    spawnProgram({
      command: [process.execPath, join(import.meta.dir, "programs", "schedule-clock.ts")],
      cwd: import.meta.dir,
      env: { ...process.env, DATABASE_URL: url, FROM, UNTIL },
    }),
  );
  expect(await Promise.all(programs.map((program) => program.exited))).toEqual(programs.map(() => 0));
  const counts = programs.map(({ stdout }) => Number(/enqueued (\d+)/.exec(stdout)?.[1]));
  const expected: string[] = [];
  for (let at = Date.parse(FROM) + TICK_MS; at <= Date.parse(UNTIL); at += TICK_MS) {
    expected.push(new Date(at).toISOString());
  }
  const rows = await sql<{ at: string }[]>`SELECT payload->>'at' AS at FROM jobs ORDER BY at`;
  expect(rows.map(({ at }) => at)).toEqual(expected);
  expect(counts.reduce((sum, count) => sum + count)).toBe(expected.length);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
});
