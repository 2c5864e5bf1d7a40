import { beforeAll, describe, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import type { Sql } from "postgres";
import { storableJson as json } from "../contract/storable-json.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { deliverEvents } from "../stores/postgres/sql/deliver-events.ts";
import { appendLog, selectLog } from "../stores/postgres/sql/progress-log.ts";
import { selectAttempts } from "../stores/postgres/sql/select-attempts.ts";
import { endWaits, heldSteps, saveStep, selectSteps, suspendJob } from "../stores/postgres/sql/steps.ts";
import { storeEvent } from "../stores/postgres/sql/store-event.ts";
import { plansOf } from "./explain-plans.ts";

const database = useTestDatabase({ migrate: migrateJobs });
const TOKEN = "00000000-0000-4000-8000-000000000000";
const lease = { jobId: "5", token: TOKEN };
const line = { level: "info", message: "x", fields: null, loggedAt: "2026-03-01T00:00:00Z" } as const;
const event = { name: "go", key: "7", payload: json(null), id: "e" };
const wait = { name: "w", event: { name: "go", key: "7" }, forMs: 10 };

const STATEMENTS: Record<string, (sql: Sql) => Promise<unknown>> = {
  "reading a job's steps": (sql) => heldSteps(sql, lease, undefined),
  "storing a step": (sql) => saveStep(sql, lease, { name: "s", output: json(1) }, undefined),
  "ending waits": (sql) => endWaits(sql, lease, undefined),
  "the suspension": (sql) => suspendJob(sql, lease, [wait], undefined),
  "storing an event": (sql) => storeEvent(sql, event, { notify: true, now: undefined }),
  "the delivery of nothing": (sql) => deliverEvents(sql, undefined),
  "the delivery of an event": async (sql) => {
    await sql`UPDATE job_events SET needs_match = true WHERE id = 7`;
    await deliverEvents(sql, undefined);
  },
  "appending to a log": (sql) => appendLog(sql, lease, [line], undefined),
  "reading a log": (sql) => selectLog(sql, "5", { limit: 10 }),
  "listing steps": (sql) => selectSteps(sql, "5"),
  "listing attempts": (sql) => selectAttempts(sql, "5"),
};

for (const statistics of ["empty", "stale"] as const) {
  describe(`with ${statistics} statistics`, () => {
    beforeAll(async () => {
      const { sql } = database;
      for (const table of ["jobs", "job_steps", "job_events", "job_logs", "job_attempts"]) {
        await sql`ALTER TABLE ${sql(table)} SET (autovacuum_enabled = false)`;
        if (statistics === "stale") await sql`ANALYZE ${sql(table)}`;
      }
      await sql`INSERT INTO jobs (type, run_at) SELECT 'noop', 'infinity' FROM generate_series(1, 20000)`;
      await sql`INSERT INTO job_steps (job_id, kind, name, wake_at, event_name, event_key, job_created_at, created_at)
        SELECT id, 'event', 'w', 'infinity', 'go', id::text, created_at, now() FROM jobs ON CONFLICT DO NOTHING`;
      await sql`INSERT INTO job_steps (job_id, kind, name, finished_at, created_at)
        SELECT id, 'step', 's', now(), now() FROM jobs ON CONFLICT DO NOTHING`;
      await sql`INSERT INTO job_events (name, key, payload, created_at, needs_match)
        SELECT 'go', n::text, '1', now() + interval '1 hour', false FROM generate_series(1, 20000) AS n`;
      await sql`INSERT INTO job_logs (job_id, line, logged_at, level, message)
        SELECT id, 1, now(), 'info', 'x' FROM jobs ON CONFLICT DO NOTHING`;
      await sql`INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, outcome)
        SELECT id, 1, 1, now(), now(), 'failed' FROM jobs ON CONFLICT DO NOTHING`;
    });

    for (const [name, statement] of Object.entries(STATEMENTS)) {
      test(`${name} scans no table`, async () => {
        const plans = await plansOf(database.url, statement);
        expect(plans).not.toMatch(/Seq Scan on (jobs|job_steps|job_events|job_logs|job_attempts)\b/);
        expect(plans).toMatch(/Index/);
        expect(plans).not.toMatch(
          /Index Scan using job_steps_waiting(?! on job_steps received).*\n(?!\s+Index Cond)/,
        );
      });
    }
  });
}
