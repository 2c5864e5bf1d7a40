import type { Fragment, Sql } from "../postgres.ts";

/** Sorts after every event id. */
const AFTER_EVENT_IDS = "~";

/**
 * What the version before knew of session `s`, as the columns of session_reports: it kept no reports, and `facts` in their place, under
 * each key [rank, µs, id, value …], and the latest resume. Rank 0 came from a start, or from a report where the id is empty; 1 from
 * an end, or for an origin from another event; 2 from a backfill, for an end also 1. Ends have negative microseconds. All of it counts
 * as known from the device that the session has.
 */
export function statementsOfFacts(sql: Sql): Fragment {
  const value = (key: string) => sql`CASE WHEN key = ${key} THEN fact ->> 3 END`;
  return sql`
    SELECT NULL,
      CASE WHEN key = 'backfill' OR rank = 2 OR (key = 'end' AND rank = 1) THEN 'backfill'
           WHEN key = 'origin' AND rank = 1 THEN 'event'
           WHEN key = 'end' OR rank = 1 THEN 'end'
           WHEN event_id = '' THEN 'report'
           ELSE 'start' END,
      said_at, event_id,
      CASE WHEN key IN ('origin', 'backfill') THEN fact ->> 3 END, CASE WHEN key IN ('origin', 'backfill') THEN s.device_id END,
      CASE WHEN key = 'end' THEN said_at END, ${value("end")}, CASE WHEN key = 'end' THEN (fact ->> 4)::numeric::bigint END,
      ${value("git_branch")}, ${value("model")}, NULL, ${value("source")}, ${value("initial_prompt")},
      CASE WHEN starts_with(key, 'metadata.') THEN jsonb_build_object(substr(key, length('metadata.') + 1), (fact -> 3)::text) ELSE '{}' END
    FROM jsonb_each(s.facts) AS facts (key, fact)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN key = 'backfill' THEN 2 ELSE (fact -> 0)::int END, fact ->> 2,
        to_timestamp(0) + abs((fact -> 1)::bigint) * interval '1 microsecond'
    ) AS said (rank, event_id, said_at)
    UNION ALL
    SELECT NULL, 'start', s.resumed_at, ${AFTER_EVENT_IDS}, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'resume', NULL, '{}'
    WHERE s.facts <> '{}' AND s.resumed_at IS NOT NULL`;
}
