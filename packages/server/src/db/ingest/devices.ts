import type { Sql } from "../postgres.ts";
import type { Fragment } from "../projections/session-facts.ts";

/** Written once per event, last_seen_at cost 60 % of the throughput of single events. */
const LAST_SEEN_INTERVAL_S = 5;

const NAMING_TYPES = new Set(["session.start", "system.hooks.installed"]);

/** Whether an event may say something of its device or of the device's link to a workspace, besides that it is there. */
export function mayNameDevice({ type, data }: { type: string; data: string }): boolean {
  return NAMING_TYPES.has(type) || data.includes('"_device_');
}

/**
 * What `stored` events (by way of their `links`) do to devices: new ones are added, the name that was said first stands, last_seen_at follows.
 * `mentions` are rows (device_id, is_remote), one a device. The join beforehand leaves out devices that would not change: ON CONFLICT DO UPDATE locks every row that it meets.
 */
export function deviceRows(sql: Sql, ofDevices: Fragment, mentions: Fragment = senders(sql)): Fragment {
  return sql`
    ${deviceInput(sql, ofDevices, mentions)},
    device_rows AS (
      INSERT INTO devices AS device (id, name, name_said_at, type)
      SELECT i.id, coalesce(i.name, 'unknown-device'), i.name_said_at, CASE WHEN i.is_remote THEN 'remote' ELSE 'local' END
      FROM device_input i LEFT JOIN LATERAL (SELECT * FROM devices d WHERE d.id = i.id OFFSET 0) known ON true
      WHERE known.id IS NULL
        OR known.last_seen_at < now() - make_interval(secs => ${LAST_SEEN_INTERVAL_S})
        OR ${isNamedBefore(sql, sql`i`, sql`known`)}
        OR (i.is_remote AND known.type = 'local')
        OR known.status = 'terminated'
      ORDER BY i.id
      ON CONFLICT (id) DO UPDATE SET
        ${earlierName(sql)},
        type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
        status = 'online',
        last_seen_at = now()
      RETURNING id
    )`;
}

/**
 * What `stored` events of some time ago (by way of their `links`) still say of devices that are there: names and types. That
 * they were heard of was noted when they were stored; a device that was deleted since stays so.
 */
export function knownDeviceRows(sql: Sql): Fragment {
  return sql`
    ${deviceInput(sql, sql`true`, senders(sql))},
    device_rows AS (
      UPDATE devices device SET
        name = CASE WHEN ${isNamedBefore(sql, sql`i`, sql`device`)} THEN i.name ELSE device.name END,
        name_said_at = CASE WHEN ${isNamedBefore(sql, sql`i`, sql`device`)} THEN i.name_said_at ELSE device.name_said_at END,
        type = CASE WHEN i.is_remote THEN 'remote' ELSE device.type END
      FROM device_input i
      WHERE device.id = i.id AND device.status <> 'terminated'
        AND (${isNamedBefore(sql, sql`i`, sql`device`)} OR (i.is_remote AND device.type = 'local'))
    )`;
}

/** In ON CONFLICT DO UPDATE of devices AS device: the name that was said first, whichever came first. */
export function earlierName(sql: Sql): Fragment {
  const goesFirst = isNamedBefore(sql, sql`excluded`, sql`device`);
  return sql`
    name = CASE WHEN ${goesFirst} THEN excluded.name ELSE device.name END,
    name_said_at = CASE WHEN ${goesFirst} THEN excluded.name_said_at ELSE device.name_said_at END`;
}

/** A name that an administrator or an enrolment gave has no time, and stays. */
function isNamedBefore(sql: Sql, one: Fragment, other: Fragment): Fragment {
  return sql`(
    ${one}.name_said_at IS NOT NULL AND (
      ${other}.name = 'unknown-device' OR coalesce((${one}.name_said_at, ${one}.name) < (${other}.name_said_at, ${other}.name), false)
    )
  )`;
}

function senders(sql: Sql): Fragment {
  return sql`(SELECT DISTINCT device_id, false AS is_remote FROM links)`;
}

function deviceInput(sql: Sql, ofDevices: Fragment, mentions: Fragment): Fragment {
  const saysName = sql`jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''`;
  return sql`
    device_names AS (
      SELECT device_id,
        (array_agg(data ->> '_device_name' ORDER BY timestamp, data ->> '_device_name') FILTER (WHERE ${saysName}))[1] AS name,
        min(timestamp) FILTER (WHERE ${saysName}) AS name_said_at,
        bool_or(data ->> '_device_type' = 'remote') AS is_remote
      FROM stored WHERE ${ofDevices} AND data ?| ARRAY['_device_name', '_device_type'] GROUP BY device_id
    ),
    device_input AS (
      SELECT m.device_id AS id, n.name, n.name_said_at, m.is_remote OR coalesce(n.is_remote, false) AS is_remote
      FROM ${mentions} m LEFT JOIN device_names n ON n.device_id = m.device_id
    )`;
}
