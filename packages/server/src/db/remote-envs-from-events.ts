import { TERMINATION_REASONS } from "@wharf/protocol";
import { knownOrOther } from "./enumerations.ts";
import type { Sql } from "./postgres.ts";

const STATUSES = ["provisioning", "ready", "active", "idle", "error", "terminated"];
/** The largest values of their columns. */
const TOTAL_COST_USD_MAX = 99_999;

/** The devices of `stored` events: those that sent them, and the remote ones that were made ready. */
export function deviceMentions(sql: Sql) {
  return sql`(
    SELECT device_id, bool_or(is_remote) AS is_remote
    FROM (
      SELECT device_id, false FROM links
      UNION ALL
      SELECT data ->> 'device_id', true FROM stored
      WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''
    ) AS every_mention (device_id, is_remote)
    GROUP BY device_id
  )`;
}

/**
 * What `stored` remote.* events do to remote_envs. An environment is known by its remote_env_id or its instance_id; one that
 * was created through the API, also by the instance that it was given. Its status only goes forward, in the order of STATUSES.
 */
export function remoteEnvRows(sql: Sql) {
  const first = (field: string) =>
    sql`(array_agg(data ->> ${field} ORDER BY timestamp, id) FILTER (WHERE data ->> ${field} <> ''))[1]`;
  const rank = (status: ReturnType<typeof first>) => sql`array_position(${STATUSES}::text[], ${status})`;
  return sql`
    remote_changes AS (
      SELECT
        env_id,
        (array_agg(workspace_id ORDER BY timestamp, id))[1] AS workspace_id,
        (array_agg(data ->> 'device_id' ORDER BY timestamp, id)
          FILTER (WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''))[1] AS device_id,
        CASE WHEN bool_or(type = 'remote.terminate') THEN 'terminated'
             WHEN bool_or(type = 'remote.provision.error') THEN 'error'
             WHEN bool_or(type = 'remote.provision.ready') THEN 'ready' ELSE 'provisioning' END AS status,
        ${first("instance_id")} AS instance_id,
        coalesce(${first("instance_type")}, 'unknown') AS instance_type,
        coalesce(${first("region")}, 'unknown') AS region,
        ${first("public_ip")} AS public_ip,
        coalesce((array_agg(data -> 'blueprint' ORDER BY timestamp, id)
          FILTER (WHERE jsonb_typeof(data -> 'blueprint') = 'object'))[1], '{}') AS blueprint,
        min(timestamp) AS provisioned_at,
        min(timestamp) FILTER (WHERE type = 'remote.provision.ready') AS ready_at,
        min(timestamp) FILTER (WHERE type = 'remote.terminate') AS terminated_at,
        (array_agg(${knownOrOther(sql, sql`data ->> 'reason'`, TERMINATION_REASONS)} ORDER BY timestamp, id) FILTER (WHERE type = 'remote.terminate'))[1] AS termination_reason,
        max(least((data ->> 'total_cost_usd')::numeric, ${TOTAL_COST_USD_MAX})) FILTER (WHERE type = 'remote.terminate') AS total_cost_usd
      FROM stored CROSS JOIN LATERAL (
        SELECT coalesce(
          nullif(data ->> 'remote_env_id', ''),
          (SELECT known.id FROM remote_envs known WHERE known.instance_id = data ->> 'instance_id' ORDER BY known.id LIMIT 1),
          nullif(data ->> 'instance_id', ''),
          stored.id)
      ) AS env (env_id)
      WHERE type IN ('remote.provision.start', 'remote.provision.ready', 'remote.provision.error', 'remote.terminate')
      GROUP BY env_id
    ),
    remote_rows AS (
      INSERT INTO remote_envs AS r (
        id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
        provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd
      )
      SELECT env_id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
        provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd
      FROM remote_changes ORDER BY env_id
      ON CONFLICT (id) DO UPDATE SET
        device_id = coalesce(r.device_id, excluded.device_id),
        status = CASE WHEN ${rank(sql`excluded.status`)} > ${rank(sql`r.status`)} THEN excluded.status ELSE r.status END,
        instance_id = coalesce(r.instance_id, excluded.instance_id),
        instance_type = CASE WHEN r.instance_type = 'unknown' THEN excluded.instance_type ELSE r.instance_type END,
        region = CASE WHEN r.region = 'unknown' THEN excluded.region ELSE r.region END,
        public_ip = coalesce(r.public_ip, excluded.public_ip),
        blueprint = CASE WHEN r.blueprint = '{}' THEN excluded.blueprint ELSE r.blueprint END,
        provisioned_at = least(r.provisioned_at, excluded.provisioned_at),
        ready_at = least(r.ready_at, excluded.ready_at),
        terminated_at = least(r.terminated_at, excluded.terminated_at),
        termination_reason = CASE
          WHEN excluded.terminated_at < coalesce(r.terminated_at, 'infinity') THEN excluded.termination_reason
          ELSE r.termination_reason END,
        total_cost_usd = greatest(r.total_cost_usd, excluded.total_cost_usd)
    )`;
}
