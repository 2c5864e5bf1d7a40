import type { PostgresClient } from "../../../contract/driver.ts";
import type { Fragment } from "./fragments.ts";

/**
 * The event that `wait`, an open row of job_steps, receives: the oldest that was stored since its job was created and that no other wait of
 * the job received. Of several waits of a job for one address, the first by name receives the first event, the second the second.
 */
export function eventOfWait(sql: PostgresClient): Fragment {
  return sql`
    SELECT id, payload FROM job_events
    WHERE name = wait.event_name AND key = wait.event_key AND created_at >= wait.job_created_at
      AND NOT EXISTS (
        SELECT FROM job_steps AS received WHERE received.job_id = wait.job_id AND received.event_id = job_events.id)
    ORDER BY created_at, id
    OFFSET (
      SELECT count(*) FROM job_steps AS earlier
      WHERE earlier.job_id = wait.job_id AND earlier.name < wait.name AND earlier.kind = 'event'
        AND earlier.finished_at IS NULL AND earlier.event_name = wait.event_name
        AND earlier.event_key = wait.event_key)
    LIMIT 1`;
}
