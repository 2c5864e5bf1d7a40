import type { Sql } from "./postgres.ts";

export const HEALTH_WINDOW_MINUTES = 60;
/** Of each device so many of its latest events tell its lag; of all devices, those seen last. */
const LAG_SAMPLE_EVENTS = 20;
const DEVICES_MAX = 100;
/** In an hour in which every event is odd, the latest notes stand for the rest. */
const NOTES_READ_MAX = 50_000;
const NOTE_GROUPS_MAX = 100;

export type MinuteRate = { minute: string; events: number; flushes: number };
export type DeviceLag = {
  device_id: string;
  device_name: string;
  last_event_at: string;
  lag_ms_median: number;
  lag_ms_max: number;
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
    WHERE created_at > now() - make_interval(mins => ${HEALTH_WINDOW_MINUTES}) AND kind = 'events'
    GROUP BY 1 ORDER BY 1`;
}

/** How long after their timestamps the latest events of each device were stored: of devices seen within the window. */
export async function lagByDevice(sql: Sql): Promise<DeviceLag[]> {
  return await sql<DeviceLag[]>`
    SELECT d.id AS device_id, d.name AS device_name, lag.last_event_at, lag.lag_ms_median, lag.lag_ms_max
    FROM (
      SELECT id, name FROM devices
      WHERE last_seen_at > now() - make_interval(mins => ${HEALTH_WINDOW_MINUTES})
      ORDER BY last_seen_at DESC LIMIT ${DEVICES_MAX}
    ) d
    CROSS JOIN LATERAL (
      SELECT max(timestamp) AS last_event_at,
        round(percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_ms))::float8 AS lag_ms_median,
        round(max(lag_ms))::float8 AS lag_ms_max
      FROM (
        SELECT timestamp, extract(epoch FROM ingested_at - timestamp)::float8 * 1000 AS lag_ms
        FROM events WHERE device_id = d.id ORDER BY timestamp DESC LIMIT ${LAG_SAMPLE_EVENTS}
      ) latest
    ) lag
    WHERE lag.last_event_at IS NOT NULL
    ORDER BY lag.last_event_at DESC`;
}

/** What was odd within the window, by device, kind and reason, the most frequent first. */
export async function notesByReason(sql: Sql): Promise<NoteGroup[]> {
  return await sql<NoteGroup[]>`
    SELECT device_id, kind, detail, count(*)::int AS count, max(created_at) AS last_at
    FROM (
      SELECT device_id, kind, detail, created_at FROM ingest_notes
      WHERE created_at > now() - make_interval(mins => ${HEALTH_WINDOW_MINUTES})
      ORDER BY created_at DESC, id DESC LIMIT ${NOTES_READ_MAX}
    ) latest
    GROUP BY device_id, kind, detail ORDER BY count DESC, last_at DESC LIMIT ${NOTE_GROUPS_MAX}`;
}
