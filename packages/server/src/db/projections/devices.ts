import { DEFAULT_DEVICE_TYPE, UNKNOWN_DEVICE_NAME } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { storedEvents } from "./stored-events.ts";

/** Written once per event, last_seen_at cost 60 % of the throughput of single events. */
const LAST_SEEN_INTERVAL_S = 5;
/** A device that sends no events is shown as offline after minutes. */
const SEEN_BY_REQUEST_INTERVAL_S = 60;

/**
 * What these events mean to the devices that sent them: names, types and when they were last seen. A device that an event names as a
 * remote one is created. Answers with the devices that a transaction holds locked, which are left as they were.
 */
export async function projectDevices(sql: Sql, eventIds: readonly string[]): Promise<string[]> {
  const saysName = sql`jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''`;
  const rows = await sql<{ id: string }[]>`
    WITH ${storedEvents(sql, eventIds)},
    seen AS (
      SELECT device_id, ingested_at, data ->> '_device_type' = 'remote' AS is_remote,
        CASE WHEN ${saysName} THEN data ->> '_device_name' END AS name,
        CASE WHEN ${saysName} THEN timestamp END AS name_said_at
      FROM stored
      UNION ALL
      SELECT data ->> 'device_id', ingested_at, true, NULL, NULL
      FROM stored WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''
    ),
    said AS MATERIALIZED (
      SELECT device_id AS id, max(ingested_at) AS heard_at, coalesce(bool_or(is_remote), false) AS is_remote,
        (array_agg(name ORDER BY name_said_at, name) FILTER (WHERE name IS NOT NULL))[1] AS name, min(name_said_at) AS name_said_at
      FROM seen GROUP BY device_id
    ),
    changing AS MATERIALIZED (
      SELECT said.id FROM said CROSS JOIN LATERAL (SELECT * FROM devices d WHERE d.id = said.id OFFSET 0) device
      WHERE device.last_seen_at < said.heard_at - make_interval(secs => ${LAST_SEEN_INTERVAL_S})
        OR ${isNamedBefore(sql, sql`said`, sql`device`)}
        OR (said.is_remote AND device.type = 'local')
        OR (device.status = 'terminated' AND ${isBack(sql)})
    ),
    locked AS MATERIALIZED (
      SELECT id FROM devices WHERE id IN (SELECT id FROM changing) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ),
    new_rows AS (
      INSERT INTO devices (id, name, name_said_at, type)
      SELECT id, coalesce(name, ${UNKNOWN_DEVICE_NAME}), name_said_at, CASE WHEN is_remote THEN 'remote' ELSE ${DEFAULT_DEVICE_TYPE} END
      FROM said WHERE NOT EXISTS (SELECT FROM devices d WHERE d.id = said.id) ORDER BY id
      ON CONFLICT (id) DO NOTHING
    ),
    device_rows AS (
      UPDATE devices device SET
        name = CASE WHEN ${isNamedBefore(sql, sql`said`, sql`device`)} THEN said.name ELSE device.name END,
        name_said_at = CASE WHEN ${isNamedBefore(sql, sql`said`, sql`device`)} THEN said.name_said_at ELSE device.name_said_at END,
        type = CASE WHEN said.is_remote THEN 'remote' ELSE device.type END,
        status = CASE WHEN device.status <> 'terminated' OR ${isBack(sql)} THEN 'online' ELSE device.status END,
        last_seen_at = greatest(device.last_seen_at, said.heard_at)
      FROM said JOIN locked USING (id) WHERE device.id = said.id
    )
    SELECT id FROM changing EXCEPT SELECT id FROM locked`;
  return rows.map(({ id }) => id);
}

/** Whether seeDevice would write to `device`. */
export function isUnseen(sql: Sql, device: Fragment): Fragment {
  return sql`${device}.last_seen_at < now() - make_interval(secs => ${SEEN_BY_REQUEST_INTERVAL_S})`;
}

/** A device has sent something other than events: it is online, and so is a removed one, which sends with another key. */
export async function seeDevice(sql: Sql, id: string): Promise<void> {
  await sql`UPDATE devices d SET last_seen_at = now(), status = 'online' WHERE id = ${id} AND ${isUnseen(sql, sql`d`)}`;
}

/** In ON CONFLICT DO UPDATE of devices AS device: the name of the earliest event, in any order of arrival. */
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
      ${other}.name = ${UNKNOWN_DEVICE_NAME}
      OR coalesce((${one}.name_said_at, ${one}.name) < (${other}.name_said_at, ${other}.name), false)
    )
  )`;
}

/** A removed device is back when it has sent events since, which it can with another key. */
function isBack(sql: Sql): Fragment {
  return sql`said.heard_at > coalesce(device.terminated_at, '-infinity')`;
}
