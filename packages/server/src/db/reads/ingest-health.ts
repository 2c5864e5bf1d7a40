import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";

export const HEALTH_WINDOW_MINUTES = 60;
/** Of each device so many of its latest events tell its lag; of all devices, those seen last. */
const LAG_SAMPLE_EVENTS = 10;
/** Of a device that sends more than this within the window, its latest events tell its rate. */
const RATE_SAMPLE_EVENTS = 500;
const DEVICES_MAX = 100;
/** In an hour in which every event is odd, the latest notes stand for the rest. */
const NOTES_READ_MAX = 50_000;
const NOTE_GROUPS_MAX = 100;
const REASONS_MAX = 20;

export type MinuteRate = { minute: string; events: number; flushes: number };
/** Within the window: events that were refused, and those that were stored with a note. */
export type NoteCounts = { rejected: number; odd: number };
export type DeviceHealth = NoteCounts & {
  device_id: string;
  device_name: string;
  last_event_at: string;
  lag_ms_median: number;
  lag_ms_max: number;
  /** By the events' own times. */
  events_per_minute: number;
  clock_skew_ms: number | null;
};
export type NoteGroup = {
  device_id: string | null;
  kind: string;
  detail: string | null;
  count: number;
  last_at: string;
};

/** Events and flushes of every replica, by minute; minutes without any are left out. */
export async function ratesByMinute(sql: Sql): Promise<MinuteRate[]> {
  return await sql<MinuteRate[]>`
    SELECT date_trunc('minute', created_at) AS minute, sum(event_count)::int AS events, count(*)::int AS flushes
    FROM change_log
    WHERE created_at > ${windowStart(sql)} AND kind = 'events'
    GROUP BY 1 ORDER BY 1`;
}

/**
 * Of devices that were seen or noted within the window: how long after their timestamps their latest events were stored, how
 * many a minute they send, and how many of them were refused or odd.
 */
export async function healthByDevice(sql: Sql): Promise<DeviceHealth[]> {
  return await sql<DeviceHealth[]>`
    WITH noted AS (
      SELECT device_id, ${noteCounts(sql)}
      FROM (${latestNotes(sql)}) latest GROUP BY device_id
    )
    SELECT d.id AS device_id, d.name AS device_name, lag.last_event_at, lag.lag_ms_median, lag.lag_ms_max,
      rate.events_per_minute, r.clock_skew_ms::float8 AS clock_skew_ms, coalesce(d.rejected, 0) AS rejected, coalesce(d.odd, 0) AS odd
    FROM (
      SELECT d.id, d.name, n.rejected, n.odd FROM devices d LEFT JOIN noted n ON n.device_id = d.id
      WHERE d.last_seen_at > ${windowStart(sql)} OR n.device_id IS NOT NULL
      ORDER BY d.last_seen_at DESC LIMIT ${DEVICES_MAX}
    ) d
    CROSS JOIN LATERAL (${lagOfDevice(sql)}) lag
    CROSS JOIN LATERAL (${rateOfDevice(sql)}) rate
    LEFT JOIN device_reports r ON r.device_id = d.id
    WHERE lag.last_event_at IS NOT NULL
    ORDER BY lag.last_event_at DESC`;
}

function lagOfDevice(sql: Sql) {
  return sql`
    SELECT max(timestamp) AS last_event_at,
      round(percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_ms))::float8 AS lag_ms_median,
      round(max(lag_ms))::float8 AS lag_ms_max
    FROM (
      SELECT timestamp, date_part('epoch', ingested_at - timestamp) * 1000 AS lag_ms
      FROM events WHERE device_id = d.id ORDER BY timestamp DESC LIMIT ${LAG_SAMPLE_EVENTS}
    ) latest`;
}

/** Over the whole window, or over the time that the sample covers where it is full. */
function rateOfDevice(sql: Sql) {
  return sql`
    SELECT round((count(*)::float8 / CASE
        WHEN count(*) < ${RATE_SAMPLE_EVENTS} THEN ${HEALTH_WINDOW_MINUTES}
        ELSE greatest(date_part('epoch', now() - min(timestamp)) / 60, 1 / 60.0::float8)
      END)::numeric, 2)::float8 AS events_per_minute
    FROM (
      SELECT timestamp FROM events WHERE device_id = d.id AND timestamp > ${windowStart(sql)} AND timestamp <= now()
      ORDER BY timestamp DESC LIMIT ${RATE_SAMPLE_EVENTS}
    ) latest`;
}

export type ProjectionHealth = {
  waiting: number;
  failed: number;
  set_aside: number;
  reasons: { reason: string; events: number }[];
};

/** Events in the projection queue, and why projecting them has failed. */
export async function projectionHealth(sql: Sql): Promise<ProjectionHealth> {
  return one(
    await sql<ProjectionHealth[]>`
      WITH queued AS MATERIALIZED (
        SELECT cardinality(event_ids) AS events, attempts, last_error AS reason, next_retry_at = 'infinity' AS is_set_aside
        FROM projection_queue
      ),
      reasons AS (
        SELECT reason, sum(events)::int AS events FROM queued WHERE attempts > 0
        GROUP BY reason ORDER BY 2 DESC, 1 LIMIT ${REASONS_MAX}
      )
      SELECT coalesce(sum(events) FILTER (WHERE attempts = 0), 0)::int AS waiting,
        coalesce(sum(events) FILTER (WHERE attempts > 0 AND NOT is_set_aside), 0)::int AS failed,
        coalesce(sum(events) FILTER (WHERE is_set_aside), 0)::int AS set_aside,
        coalesce((SELECT json_agg(reasons) FROM reasons), '[]') AS reasons
      FROM queued`,
  );
}

/** Of all devices, and of events that name none. */
export async function countNotes(sql: Sql): Promise<NoteCounts> {
  return one(await sql<NoteCounts[]>`SELECT ${noteCounts(sql)} FROM (${latestNotes(sql)}) latest`);
}

function noteCounts(sql: Sql) {
  return sql`
    count(*) FILTER (WHERE kind = 'rejected')::int AS rejected, count(*) FILTER (WHERE kind <> 'rejected')::int AS odd`;
}

/** What was odd within the window, by device, kind and reason, the most frequent first. */
export async function notesByReason(sql: Sql): Promise<NoteGroup[]> {
  return await sql<NoteGroup[]>`
    SELECT device_id, kind, detail, count(*)::int AS count, max(created_at) AS last_at
    FROM (${latestNotes(sql)}) latest
    GROUP BY device_id, kind, detail ORDER BY count DESC, last_at DESC LIMIT ${NOTE_GROUPS_MAX}`;
}

function latestNotes(sql: Sql) {
  return sql`
    SELECT device_id, kind, detail, created_at FROM ingest_notes WHERE created_at > ${windowStart(sql)}
    ORDER BY created_at DESC, id DESC LIMIT ${NOTES_READ_MAX}`;
}

function windowStart(sql: Sql) {
  return sql`now() - make_interval(mins => ${HEALTH_WINDOW_MINUTES})`;
}
