import type { StatsBucket, StatsBucketRow } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { instantIn, notDeleted, type UsageRange } from "./usage.ts";

export type StatsFilters = { workspace_id?: string | undefined; device_id?: string | undefined };

/**
 * Counts and sums of each day or hour, also of those without any. Events and usage are summed up by quarters of an hour, to which their
 * range is widened.
 */
export async function readStats(
  sql: Sql,
  bucket: StatsBucket,
  { tz, from, to }: UsageRange,
  filters: StatsFilters,
): Promise<StatsBucketRow[]> {
  const step = sql`(${`1 ${bucket}`}::text::interval)`;
  const startOf = (time: Fragment) => sql`date_trunc(${bucket}::text, ${time}, ${tz}::text)`;
  const isOfPlace = filters.workspace_id !== undefined || filters.device_id !== undefined;
  const ofPlace = (table: Fragment) => sql`
    ${filters.workspace_id === undefined ? sql`` : sql`AND ${table}.workspace_id = ${filters.workspace_id}`}
    ${filters.device_id === undefined ? sql`` : sql`AND ${table}.device_id = ${filters.device_id}`}`;
  return await sql<StatsBucketRow[]>`
    WITH range AS MATERIALIZED (
      SELECT ${from === null ? sql`now()` : instantIn(sql, tz, from)} AS from_at, ${to === null ? sql`now()` : instantIn(sql, tz, to)} AS to_at
    ),
    buckets AS MATERIALIZED (
      SELECT start, greatest(start, from_at) AS from_at, least(to_at, lead(start, 1, to_at) OVER (ORDER BY start)) AS to_at
      FROM range, LATERAL (${startsOf(sql, bucket, tz, step)}) starts
    ),
    sessions_of AS (
      SELECT ${startOf(sql`s.started_at`)} AS start, count(*) AS sessions
      FROM range, sessions s
      WHERE s.started_at >= from_at AND s.started_at < to_at AND s.deleted_at IS NULL ${ofPlace(sql`s`)}
      GROUP BY 1
    ),
    commits_of AS (
      SELECT ${startOf(sql`g.timestamp`)} AS start, count(*) AS commits
      FROM range, git_activity g
      WHERE g.type = 'commit' AND g.timestamp >= from_at AND g.timestamp < to_at ${ofPlace(sql`g`)}
      GROUP BY 1
    ),
    events_of AS (
      SELECT ${startOf(sql`slot`)} AS start, sum(events) AS events
      FROM range, (${countedEvents(sql, filters)}) counted
      WHERE slot >= date_bin('15 minutes', from_at, 'epoch') AND slot < to_at
      GROUP BY 1
    ),
    usage_of AS (
      SELECT ${startOf(sql`slot`)} AS start, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out,
        sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens, sum(cost_usd) AS cost_usd
      FROM (
        SELECT u.slot, sum(u.input) AS tokens_in, sum(u.output) AS tokens_out, sum(u.cache_read) AS cache_read_tokens,
          sum(u.cache_write_5m + u.cache_write_1h) AS cache_write_tokens, sum(u.cost_usd) AS cost_usd
        FROM range, usage_slots u ${isOfPlace ? sql`JOIN sessions s ON s.id = u.session_id` : sql``}
        WHERE u.slot >= date_bin('15 minutes', from_at, 'epoch') AND u.slot < to_at
          AND ${isOfPlace ? sql`s.deleted_at IS NULL ${ofPlace(sql`s`)}` : notDeleted(sql)}
        GROUP BY 1
      ) slots
      GROUP BY 1
    )
    SELECT b.start, CASE WHEN EXISTS (SELECT FROM event_recounts) THEN (${recountedEvents(sql, filters)}) ELSE coalesce(events, 0) END AS events,
      coalesce(sessions, 0) AS sessions, coalesce(commits, 0) AS commits, coalesce(tokens_in, 0) AS tokens_in, coalesce(tokens_out, 0) AS tokens_out, coalesce(cache_read_tokens, 0) AS cache_read_tokens,
      coalesce(cache_write_tokens, 0) AS cache_write_tokens, coalesce(cost_usd, 0) AS cost_usd
    FROM buckets b LEFT JOIN events_of USING (start) LEFT JOIN sessions_of USING (start) LEFT JOIN commits_of USING (start) LEFT JOIN usage_of USING (start)
    ORDER BY b.start`;
}

/** Days are counted by the clock of the time zone, as some have 23 or 25 hours; hours are not, as a clock shows some twice. */
function startsOf(sql: Sql, bucket: StatsBucket, tz: string, step: Fragment): Fragment {
  if (bucket === "hour")
    return sql`
      SELECT start FROM generate_series(date_trunc('hour', from_at, ${tz}::text), to_at, ${step}) start WHERE start < to_at`;
  return sql`
    SELECT day AT TIME ZONE ${tz}::text AS start
    FROM generate_series(date_trunc('day', from_at AT TIME ZONE ${tz}::text), to_at AT TIME ZONE ${tz}::text, ${step}) day
    WHERE day AT TIME ZONE ${tz}::text < to_at`;
}

/** Counts by quarters of an hour, and what is still to be added to them. */
function countedEvents(sql: Sql, { workspace_id, device_id }: StatsFilters): Fragment {
  return sql`
    SELECT slot, events FROM event_slots WHERE workspace_id = ${workspace_id ?? ""} AND device_id = ${device_id ?? ""}
    UNION ALL
    SELECT slot, events FROM event_slot_changes
    WHERE true ${workspace_id === undefined ? sql`` : sql`AND workspace_id = ${workspace_id}`}
      ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}`;
}

/** While events of before this version are not counted yet; remove it with the next release. No index is by time alone. */
function recountedEvents(sql: Sql, { workspace_id, device_id }: StatsFilters): Fragment {
  const within = sql`e.timestamp >= b.from_at AND e.timestamp < b.to_at`;
  if (workspace_id !== undefined) {
    const ofDevice = device_id === undefined ? sql`` : sql`AND e.device_id = ${device_id}`;
    return sql`SELECT count(*) FROM events e WHERE e.workspace_id = ${workspace_id} ${ofDevice} AND ${within}`;
  }
  if (device_id !== undefined)
    return sql`SELECT count(*) FROM events e WHERE e.device_id = ${device_id} AND ${within}`;
  return sql`
    SELECT coalesce(sum(of_device.events), 0) FROM devices d,
      LATERAL (SELECT count(*) AS events FROM events e WHERE e.device_id = d.id AND ${within} OFFSET 0) of_device`;
}
