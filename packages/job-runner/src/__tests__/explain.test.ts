import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import type { PendingQuery, Row, Sql } from "postgres";
import { migrateJobs } from "../drivers/__tests__/migrate.ts";
import { type Claim, claimJobs } from "../sql/claim-jobs.ts";
import { claimKeyedJobs } from "../sql/claim-keyed-jobs.ts";
import { completeJobs } from "../sql/complete-jobs.ts";
import { extendLeases } from "../sql/extend-leases.ts";
import { failJob } from "../sql/fail-job.ts";
import { recoverJobs } from "../sql/recover-jobs.ts";
import { retryJob } from "../sql/retry-job.ts";

const database = useTestDatabase({ migrate: migrateJobs });
const TOKEN = "00000000-0000-4000-8000-000000000000";
const claim: Claim = {
  queue: "default",
  types: ["noop"],
  limit: 500,
  token: TOKEN,
  workerId: "w",
  leaseMs: 30_000,
  after: null,
  byAdvisoryLock: false,
  now: undefined,
};
const after = { id: "700", priority: 0, run_at: Number.NEGATIVE_INFINITY };
const lease = { jobId: "5", token: TOKEN };
const leases = Array.from({ length: 500 }, (_, n) => ({ jobId: String(n + 1), token: TOKEN }));
const ids = leases.map(({ jobId }) => jobId);

const STATEMENTS: Record<string, (sql: Sql) => PendingQuery<Row[]>> = {
  "the claim": (sql) => claimJobs(sql, claim),
  "the claim behind a cursor": (sql) => claimJobs(sql, { ...claim, after }),
  "the claim by advisory locks": (sql) => claimJobs(sql, { ...claim, byAdvisoryLock: true }),
  "the keyed claim": (sql) => claimKeyedJobs(sql, { ...claim, afterKey: "" }),
  "the ack": (sql) => completeJobs(sql, { token: TOKEN, ids, outputs: null, now: undefined }),
  "the extension": (sql) => extendLeases(sql, leases, 1000, undefined),
  "the retry": (sql) => retryJob(sql, lease, { error: "x" }, undefined),
  "the failure": (sql) => failJob(sql, lease, { error: "x", kind: "unrecoverable" }, undefined),
  "the recovery": (sql) =>
    recoverJobs(sql, { queue: "default", maxRecoveries: 5, since: null, now: undefined }),
};

/** Runs each statement as a prepared one often enough for a generic plan, then explains it. */
async function planOf(statement: (sql: Sql) => PendingQuery<Row[]>): Promise<string> {
  const { sql } = database;
  const { string, args } = await described(statement(sql));
  const connection = await sql.reserve();
  try {
    const plans: string[] = [];
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      await connection.unsafe(`SET plan_cache_mode = ${mode}`);
      const rows = await connection.unsafe(`EXPLAIN ${string}`, args, { prepare: true });
      plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
    }
    return plans.join("\n");
  } finally {
    await connection.unsafe("RESET plan_cache_mode");
    connection.release();
  }
}

/** The text and parameters of a statement, from a run inside a transaction that is rolled back by its error. */
async function described(query: PendingQuery<Row[]>) {
  const { statement } = await query;
  const args = (query as PendingQuery<Row[]> & { args?: unknown }).args;
  return { string: statement.string, args: (Array.isArray(args) ? args : []) as never[] };
}

for (const statistics of ["empty", "stale"] as const) {
  describe(`with ${statistics} statistics`, () => {
    beforeAll(async () => {
      const { sql } = database;
      await sql`ALTER TABLE jobs SET (autovacuum_enabled = false)`;
      if (statistics === "stale") await sql`ANALYZE jobs`;
      await sql`INSERT INTO jobs (queue, type) SELECT 'default', 'noop' FROM generate_series(1, 30000)`;
      await sql`INSERT INTO jobs (queue, type, concurrency_key)
        SELECT 'default', 'noop', 'k' || n % 50 FROM generate_series(1, 5000) AS n`;
    });

    afterEach(async () => {
      await database.sql`SELECT 1`;
    });

    for (const [name, statement] of Object.entries(STATEMENTS)) {
      test(`${name} scans no table`, async () => {
        const plan = await planOf(statement);
        expect(plan).not.toMatch(/Seq Scan on jobs\b/);
        expect(plan).toMatch(/jobs_claim|jobs_pkey|jobs_lease/);
      });
    }
  });
}
