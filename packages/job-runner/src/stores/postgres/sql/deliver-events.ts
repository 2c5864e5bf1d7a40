import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import { eventOfWait } from "./event-of-wait.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

const DELIVERY_BATCH = 500;

type Delivery = { queues: string[]; more: boolean; is_locked: boolean };

/**
 * Compares the events and waits that were not compared since their commit with all waits and events, ends each wait with its
 * event and wakes its job. `more`: call it again. `is_locked`: another transaction had locked some of the jobs;
 * their waits and events are left for the next call.
 *
 * Jobs are locked first and then their waits: a suspending run uses the same order. It waits for no job, since a completion
 * locks its jobs in any order. SET, not WHERE, checks whether the job is queued: a run that suspended after
 * the snapshot was running in it.
 */
export function deliverEvents(sql: PostgresClient, now: Instant | undefined): Query<Delivery[]> {
  const at = timeOf(sql, now);
  return sql<Delivery[]>`
    WITH fresh_event AS MATERIALIZED (
      SELECT id, name, key FROM job_events WHERE needs_match
      ORDER BY id LIMIT ${DELIVERY_BATCH} FOR UPDATE SKIP LOCKED
    ),
    fresh_wait AS MATERIALIZED (
      SELECT job_id, name, event_name, event_key, job_created_at FROM job_steps
      WHERE needs_match ORDER BY job_id LIMIT ${DELIVERY_BATCH}
    ),
    ${matches(sql)},
    touched AS MATERIALIZED (SELECT job_id FROM match UNION SELECT job_id FROM fresh_wait),
    locked AS MATERIALIZED (
      SELECT id FROM jobs
      WHERE id = ANY (ARRAY(SELECT job_id FROM touched)) FOR UPDATE SKIP LOCKED
    ),
    skipped AS MATERIALIZED (
      SELECT id FROM jobs WHERE id = ANY (ARRAY(SELECT job_id FROM touched EXCEPT SELECT id FROM locked))
    ),
    matched AS (
      UPDATE job_steps AS step SET needs_match = false, event_id = found.event_id, output = found.payload,
        finished_at = CASE WHEN found.event_id IS NOT NULL THEN ${at} END
      FROM (
        SELECT job_id, name, event_id, payload FROM match
        UNION ALL
        SELECT job_id, name, NULL, NULL FROM fresh_wait AS unmatched
        WHERE (SELECT count(*) FROM match) < ${DELIVERY_BATCH}
          AND NOT EXISTS (SELECT FROM match WHERE (match.job_id, match.name) = (unmatched.job_id, unmatched.name))
      ) AS found
      WHERE step.job_id = ANY (ARRAY(SELECT job_id FROM touched EXCEPT SELECT id FROM skipped))
        AND step.job_id = found.job_id AND step.name = found.name AND step.finished_at IS NULL
      RETURNING step.job_id, step.event_id
    ),
    compared AS (
      UPDATE job_events SET needs_match = false
      WHERE id = ANY (ARRAY(SELECT id FROM fresh_event)) AND NOT EXISTS (
          SELECT FROM match JOIN skipped ON skipped.id = match.job_id
          WHERE (match.event_name, match.event_key) = (job_events.name, job_events.key))
        AND GREATEST((SELECT count(*) FROM match), (SELECT count(*) FROM fresh_wait)) < ${DELIVERY_BATCH}
    ),
    woken AS (
      UPDATE jobs SET updated_at = ${at}, run_at = CASE WHEN status = 'queued' THEN ${at} ELSE run_at END
      WHERE id = ANY (ARRAY(SELECT job_id FROM matched WHERE event_id IS NOT NULL))
      RETURNING queue, status
    )
    SELECT ARRAY(SELECT queue FROM (SELECT DISTINCT queue FROM woken WHERE status = 'queued') AS one
        WHERE pg_notify(${RUNNABLE_CHANNEL}, queue) IS NOT NULL) AS queues,
      GREATEST((SELECT count(*) FROM match), (SELECT count(*) FROM fresh_wait), (SELECT count(*) FROM fresh_event))
        = ${DELIVERY_BATCH} AS more,
      EXISTS (SELECT FROM skipped) AS is_locked`;
}

/** `match`: waits and their events. OFFSET 0 prevents a join that scans all waits. */
function matches(sql: PostgresClient) {
  return sql`
    match AS MATERIALIZED (
      SELECT wait.job_id, wait.name, wait.event_name, wait.event_key, event.id AS event_id, event.payload
      FROM (
        SELECT * FROM fresh_wait
        UNION ALL
        SELECT known.* FROM (SELECT DISTINCT name, key FROM fresh_event) AS address CROSS JOIN LATERAL (
          SELECT job_id, name, event_name, event_key, job_created_at FROM job_steps
          WHERE kind = 'event' AND finished_at IS NULL AND NOT needs_match
            AND event_name = address.name AND event_key = address.key
          OFFSET 0
        ) AS known
      ) AS wait
      CROSS JOIN LATERAL (${eventOfWait(sql)}) AS event
      LIMIT ${DELIVERY_BATCH}
    )`;
}
