import { expect } from "bun:test";
import { until } from "@wharf/testkit";
import type { Sql } from "postgres";
import { expectEventCountsEqualRecount } from "../../db/usage/__tests__/recount-event-slots.ts";

const CAUGHT_UP_MAX_MS = 60_000;

/** What a fault has left is projected by the job of each minute, which is not waited for; then all totals are those of the rows. */
export async function expectCaughtUp(sql: Sql): Promise<void> {
  const left = () => sql`SELECT id, attempts, last_error, next_retry_at FROM projection_queue`;
  await until(
    async () => {
      await sql`
        WITH idle AS (
          SELECT WHERE NOT EXISTS (SELECT FROM jobs WHERE type = 'repair-ingest' AND status IN ('queued', 'running'))
        ), due AS (UPDATE projection_queue SET next_retry_at = now() WHERE EXISTS (SELECT FROM idle))
        INSERT INTO jobs (queue, type, payload) SELECT 'recurring', 'repair-ingest', '{"due_ms": 0}' FROM idle`;
      return (await left()).length === 0;
    },
    {
      deadlineMs: CAUGHT_UP_MAX_MS,
      describe: async () => `all events to be projected: ${JSON.stringify(await left())}`,
    },
  );
  await expectTotalsEqualRecount(sql);
}

/** Stored totals, and the same counted from the rows: two queries for each kind, whose rows must be equal. */
export async function expectTotalsEqualRecount(sql: Sql): Promise<void> {
  const sums = sql`
    count(*)::int AS sessions, count(*) FILTER (WHERE lifecycle IN ('detected', 'capturing'))::int AS active,
    coalesce(sum(duration_ms), 0)::text AS duration_ms, max(started_at) AS last_at`;
  const kept = sql`
    sum(session_count)::int AS sessions, sum(active_session_count)::int AS active,
    sum(total_duration_ms)::text AS duration_ms, max(last_session_at) AS last_at`;

  const byPair = await sql`SELECT workspace_id, device_id, ${sums} FROM sessions GROUP BY 1, 2 ORDER BY 1, 2`;
  const keptByPair = await sql`
    SELECT workspace_id, device_id, ${kept} FROM session_totals GROUP BY 1, 2 HAVING sum(session_count) > 0 ORDER BY 1, 2`;
  expect([...keptByPair]).toEqual([...byPair]);

  for (const parent of ["workspace", "device"]) {
    const counted =
      await sql`SELECT ${sql(`${parent}_id`)} AS id, ${sums} FROM sessions GROUP BY 1 ORDER BY 1`;
    const keptByParent = await sql`
      SELECT id, ${kept} FROM parent_totals WHERE parent = ${parent} GROUP BY 1 HAVING sum(session_count) > 0 ORDER BY 1`;
    expect([...keptByParent]).toEqual([...counted]);
  }

  const git =
    await sql`SELECT workspace_id, type, count(*)::int FROM git_activity GROUP BY 1, 2 ORDER BY 1, 2`;
  const keptGit = await sql`
    SELECT workspace_id, type, count::int FROM git_totals WHERE count <> 0 ORDER BY 1, 2`;
  expect([...keptGit]).toEqual([...git]);
  await expectEventCountsEqualRecount(sql);
}

/** Of sessions that were deleted nothing is left but their tombstones. */
export async function expectNoRowsOf(sql: Sql, sessionIds: readonly string[], tables: readonly string[]) {
  for (const table of tables) {
    const rows =
      await sql`SELECT session_id FROM ${sql(table)} WHERE session_id = ANY(${[...sessionIds]}) LIMIT 5`;
    expect([table, ...rows]).toEqual([table]);
  }
  expect([...(await sql`SELECT id FROM sessions WHERE id = ANY(${[...sessionIds]})`)]).toEqual([]);
}
