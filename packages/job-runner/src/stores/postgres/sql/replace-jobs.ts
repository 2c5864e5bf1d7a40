import type { NewJob, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { recordset, runAtColumn } from "./enqueue-jobs.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/**
 * Stores jobs that replace waiting ones with the same replace key, in the order of the input. Keys are locked in sorted order, so
 * that two calls cannot deadlock.
 */
export function replaceJobs(
  sql: PostgresClient,
  jobs: readonly NewJob[],
  now: Instant | undefined,
): Query<
  {
    id: string;
    existed: boolean;
  }[]
> {
  return sql<{ id: string; existed: boolean }[]>`
    SELECT added.id, added.existed FROM (
      SELECT job.*, ${runAtColumn(sql, now)} AS due FROM ${recordset(sql, jobs)} ORDER BY q, t, k, n OFFSET 0
    ) AS job CROSS JOIN LATERAL jobs_add(job.t, job.p, job.q, job.due, COALESCE(job.o, 0), COALESCE(job.m, 25), job.x, job.c,
      COALESCE(job.l, 1), job.k, COALESCE(job.s, false), ${timeOf(sql, now)}) AS added
    ORDER BY job.n`;
}
