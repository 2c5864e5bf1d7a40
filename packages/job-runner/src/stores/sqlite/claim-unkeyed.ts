import type { Database } from "bun:sqlite";
import type { ReserveRequest } from "../../contract/driver.ts";
import { type Bindings, listText } from "./bindings.ts";

/** A claimable job. */
export type Candidate = {
  readonly id: string;
  readonly priority: number;
  readonly run_at: number;
};

/** One probe per waiting priority: scheduled jobs of one priority are not read to reach the next. */
export function createUnkeyedCandidates(db: Database) {
  const nextPriority = db.prepare<{ priority: number }, Bindings>(`
    SELECT priority FROM jobs
    WHERE queue = $queue AND status = 'queued' AND concurrency_key IS NULL AND priority > $after
    ORDER BY priority LIMIT 1`);
  const runnable = db.prepare<Candidate, Bindings>(`
    SELECT CAST(jobs.id AS TEXT) AS id, priority, run_at FROM jobs
    WHERE queue = $queue AND status = 'queued' AND concurrency_key IS NULL AND priority = $priority
      AND run_at <= $now AND ($types IS NULL OR type IN (SELECT value FROM json_each($types)))
    ORDER BY run_at, jobs.id LIMIT $limit`);

  return function candidates({ queue, limit, types }: ReserveRequest, now: bigint): Candidate[] {
    const found: Candidate[] = [];
    let next = nextPriority.get({ queue, after: Number.MIN_SAFE_INTEGER });
    while (next !== null && found.length < limit) {
      const { priority } = next;
      const left = limit - found.length;
      found.push(...runnable.all({ queue, priority, now, limit: left, types: listText(types) }));
      next = nextPriority.get({ queue, after: priority });
    }
    return found;
  };
}
