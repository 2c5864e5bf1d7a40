import { beforeAll, describe, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import type { Sql } from "postgres";
import { storableJson as json } from "../contract/storable-json.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { type Claim, claimJobs } from "../stores/postgres/sql/claim-jobs.ts";
import { claimKeyedJobs } from "../stores/postgres/sql/claim-keyed-jobs.ts";
import { completeJobs } from "../stores/postgres/sql/complete-jobs.ts";
import { extendLeases } from "../stores/postgres/sql/extend-leases.ts";
import { failJob } from "../stores/postgres/sql/fail-job.ts";
import { listJobs, listRunningJobs } from "../stores/postgres/sql/list-jobs.ts";
import { listWorkers } from "../stores/postgres/sql/list-workers.ts";
import { queueStats } from "../stores/postgres/sql/queue-stats.ts";
import { recoverJobs } from "../stores/postgres/sql/recover-jobs.ts";
import { replaceJobs } from "../stores/postgres/sql/replace-jobs.ts";
import { reserveJob } from "../stores/postgres/sql/reserve-job.ts";
import { retryJob } from "../stores/postgres/sql/retry-job.ts";
import { plansOf } from "./explain-plans.ts";

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

const STATEMENTS: Record<string, (sql: Sql) => Promise<unknown>> = {
  "the claim": (sql) => claimJobs(sql, claim),
  "the claim behind a cursor": (sql) => claimJobs(sql, { ...claim, after }),
  "the claim by advisory locks": (sql) => claimJobs(sql, { ...claim, byAdvisoryLock: true }),
  "the keyed claim": (sql) => claimKeyedJobs(sql, { ...claim, afterKey: "" }),
  "the ack": (sql) => completeJobs(sql, { token: TOKEN, ids, outputs: null, now: undefined }),
  "the extension": (sql) => extendLeases(sql, leases, 1000, undefined),
  "the retry": (sql) => retryJob(sql, lease, { error: "x" }, undefined),
  "the failure": (sql) => failJob(sql, lease, { error: "x", kind: "unrecoverable" }, undefined),
  "the claim by id": (sql) => reserveJob(sql, "5", { token: TOKEN, workerId: "w", leaseMs: 1000 }, undefined),
  "the list of all jobs": (sql) => listJobs(sql, {}, { limit: 50 }, undefined),
  "the list of dead letters": (sql) => listJobs(sql, { states: ["dead"] }, { limit: 50 }, undefined),
  "the list of cancelled jobs": (sql) => listJobs(sql, { states: ["cancelled"] }, { limit: 50 }, undefined),
  "the list of completed jobs": (sql) => listJobs(sql, { states: ["completed"] }, { limit: 50 }, undefined),
  "the list of running jobs": (sql) => listRunningJobs(sql, 50),
  "the list of workers": (sql) => listWorkers(sql),
  "the state of the queues": (sql) => queueStats(sql, [], undefined),
  "an enqueue that replaces": (sql) =>
    replaceJobs(sql, [{ queue: "default", type: "noop", payload: json(1), replaceKey: "r" }], undefined),
  "the recovery": (sql) =>
    recoverJobs(sql, { queue: "default", maxRecoveries: 5, since: null, now: undefined }),
};

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

    test("keys whose jobs are all parked are in no index that a claim or a recovery walks", async () => {
      const { sql } = database;
      await sql`INSERT INTO jobs (type, concurrency_key, run_at)
        SELECT 'noop', 'parked' || n, now() + interval '1 day' FROM generate_series(1, 5000) AS n`;
      const claimed = await plansOf(database.url, (client) =>
        claimKeyedJobs(client, { ...claim, afterKey: "" }),
      );
      expect(claimed).toContain("jobs_claim_keyed_ready");
      expect(claimed).not.toMatch(/jobs_claim_keyed\b/);
      const recovery = { queue: "default", maxRecoveries: 5, since: null, now: undefined };
      const recovered = await plansOf(database.url, (client) => recoverJobs(client, recovery));
      expect(recovered).toContain("jobs_claim_keyed_ready");
      expect(recovered).toContain("jobs_parked_keyed");
      expect(recovered).not.toMatch(/jobs_claim_keyed\b/);
    });

    for (const [name, statement] of Object.entries(STATEMENTS)) {
      test(`${name} scans no table`, async () => {
        const plans = await plansOf(database.url, statement);
        expect(plans).not.toMatch(/Seq Scan on jobs\b/);
        expect(plans).toMatch(/jobs_(claim|pkey|replace_key|lease|dead_letters|cancelled|archive_\w+id_idx)/);
      });
    }
  });
}
