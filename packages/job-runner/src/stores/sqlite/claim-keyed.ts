import type { Database } from "bun:sqlite";
import type { ReserveRequest } from "../../contract/driver.ts";
import { type Bindings, listText } from "./bindings.ts";
import type { Candidate } from "./claim-unkeyed.ts";

/** Concurrency keys checked per claim. If more are waiting, the next claim continues after the last of them. */
const KEYS_PER_CLAIM = 500;
/** Jobs of the index jobs_claim_keyed_ready, to which the recovery before the claim moves due jobs. */
const READY = "concurrency_key IS NOT NULL AND queue = $queue AND status = 'queued' AND run_at <= updated_at";

type WaitingKey = {
  readonly key: string;
  readonly limit_of_first: number;
  /** Jobs of the key that are running. */
  readonly taken: number;
};

/**
 * Jobs whose concurrency key has a free slot. Keys with ready jobs are found by a loose index scan of jobs_claim_keyed_ready, one
 * probe per key for any number of jobs. There is one writer at a time, so a free slot stays free until it is taken.
 */
export function createKeyedCandidates(db: Database) {
  const keysBehind = db.prepare<WaitingKey, Bindings>(`
    WITH RECURSIVE walk (key) AS (
      SELECT * FROM (SELECT concurrency_key FROM jobs
        WHERE ${READY} AND concurrency_key > $after ORDER BY concurrency_key LIMIT 1)
      UNION ALL
      SELECT (SELECT concurrency_key FROM jobs
        WHERE ${READY} AND concurrency_key > walk.key ORDER BY concurrency_key LIMIT 1)
      FROM walk WHERE key IS NOT NULL LIMIT ${KEYS_PER_CLAIM}
    )
    SELECT key, (
        SELECT concurrency_limit FROM jobs
        WHERE ${READY} AND concurrency_key = walk.key
        ORDER BY priority, run_at, jobs.id LIMIT 1
      ) AS limit_of_first, (SELECT count(*) FROM jobs WHERE status = 'running' AND concurrency_key = walk.key) AS taken
    FROM walk WHERE key IS NOT NULL`);
  const runnable = db.prepare<Candidate & { concurrency_limit: number }, Bindings>(`
    SELECT CAST(jobs.id AS TEXT) AS id, priority, run_at, concurrency_limit FROM jobs
    WHERE ${READY} AND concurrency_key = $key AND run_at <= $now
      AND ($types IS NULL OR type IN (SELECT value FROM json_each($types)))
    ORDER BY priority, run_at, jobs.id LIMIT $limit`);
  /** The last key checked by a claim of the queue; only a hint. */
  const lastKeys = new Map<string, string>();

  function behind({ queue, limit, types }: ReserveRequest, now: bigint, after: string) {
    const keys = keysBehind.all({ queue, after });
    const found = keys.flatMap(({ key, limit_of_first, taken }) => {
      const free = Math.min(limit, limit_of_first - taken);
      const jobs = free > 0 ? runnable.all({ queue, key, now, limit: free, types: listText(types) }) : [];
      const closed = jobs.findIndex((job, place) => job.concurrency_limit <= taken + place);
      return closed === -1 ? jobs : jobs.slice(0, closed);
    });
    return { found, next: keys.length < KEYS_PER_CLAIM ? "" : (keys.at(-1)?.key ?? "") };
  }

  /** Continues after the last checked key, at most one full round, until it finds a candidate. */
  return function candidates(request: ReserveRequest, now: bigint): Candidate[] {
    const first = lastKeys.get(request.queue) ?? "";
    let after = first;
    let isSecondRound = first === "";
    for (;;) {
      const { found, next } = behind(request, now, after);
      after = next;
      lastKeys.set(request.queue, next);
      const isAround = isSecondRound && (next === "" || (first !== "" && next >= first));
      if (found.length > 0 || isAround) return found;
      isSecondRound ||= next === "";
    }
  };
}
