import { TERMINATION_REASONS, typesDeriving } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { knownOrOther } from "./enumerations.ts";
import { microseconds } from "./microseconds.ts";
import { storedEvents } from "./stored-events.ts";

const STATUSES = ["provisioning", "ready", "active", "idle", "error", "terminated"];
/** The largest values of their columns. */
const TOTAL_COST_USD_MAX = 99_999;

/** Of the events of an environment, whose sender is its device: a start goes before other events, and an end is the last. */
const RANK_OF_END = 2;

/**
 * What these events mean to remote environments. An environment is known by its remote_env_id or its instance_id; one that
 * was created through the API, also by the instance that it was given. Its status only goes forward, in the order of STATUSES.
 * It belongs to the device that was given through the API, else to the first one that said something of it other than its end. Of what
 * that device says the earliest stands, in any order of arrival, unless it was changed through the API; other devices can only report
 * the end.
 */
export async function projectRemoteEnvs(sql: Sql, eventIds: readonly string[]): Promise<void> {
  const rank = (status: Fragment) => sql`array_position(${STATUSES}::text[], ${status})`;
  const value = (name: string) => changedValue(sql, name);
  await sql`
    WITH ${storedEvents(sql, eventIds)},
    ${remoteEvents(sql)},
    ${remoteChanges(sql)},
    remote_rows AS (
      INSERT INTO remote_envs AS r (
        id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
        provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
      )
      SELECT env_id, coalesce(facts #>> '{workspace_id,3}', workspace_id), facts #>> '{device_id,3}', status, facts #>> '{instance_id,3}',
        coalesce(facts #>> '{instance_type,3}', 'unknown'), coalesce(facts #>> '{region,3}', 'unknown'), facts #>> '{public_ip,3}',
        coalesce(facts #> '{blueprint,3}', '{}'), provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
      FROM remote_changes ORDER BY env_id
      ON CONFLICT (id) DO UPDATE SET (
        workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
        provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
      ) = (
        SELECT
          ${value("workspace_id")}, ${value("device_id")},
          CASE WHEN NOT is_own AND excluded.terminated_at IS NULL OR ${rank(sql`excluded.status`)} <= ${rank(sql`r.status`)} THEN r.status
               WHEN NOT is_own THEN 'terminated' ELSE excluded.status END,
          ${value("instance_id")},
          ${changedValue(sql, "instance_type", "unknown")}, ${changedValue(sql, "region", "unknown")}, ${value("public_ip")},
          CASE WHEN r.blueprint = coalesce(r.facts #> '{blueprint,3}', '{}') THEN coalesce(merged.facts #> '{blueprint,3}', '{}')
               ELSE r.blueprint END,
          CASE WHEN is_taken THEN excluded.provisioned_at WHEN is_own THEN least(r.provisioned_at, excluded.provisioned_at)
               ELSE r.provisioned_at END,
          CASE WHEN is_own THEN least(r.ready_at, excluded.ready_at) ELSE r.ready_at END,
          least(r.terminated_at, excluded.terminated_at),
          CASE WHEN excluded.terminated_at < coalesce(r.terminated_at, 'infinity') THEN excluded.termination_reason
               ELSE r.termination_reason END,
          CASE WHEN is_taken THEN excluded.total_cost_usd WHEN is_own THEN greatest(r.total_cost_usd, excluded.total_cost_usd)
               ELSE r.total_cost_usd END,
          merged.facts
        FROM (
          SELECT excluded.facts #>> '{owner,1}' = ${ownerOf(sql)}, ${mayTake(sql, sql`(excluded.facts #>> '{owner,0}')::int`)}
        ) AS owner (is_same, may_take)
        CROSS JOIN LATERAL (
          SELECT coalesce(is_same OR may_take, false), coalesce(may_take AND NOT is_same, false)
        ) AS belonging (is_own, is_taken)
        CROSS JOIN LATERAL (
          SELECT CASE WHEN is_taken THEN excluded.facts WHEN is_own THEN ${mergedFacts(sql, sql`r.facts`, sql`excluded.facts`)}
                      ELSE r.facts END
        ) AS merged (facts)
      )
    )
    SELECT`;
}

/** The device that environment `r` belongs to. */
function ownerOf(sql: Sql): Fragment {
  return sql`coalesce(r.facts #>> '{owner,1}', r.device_id)`;
}

/** Whether `r` has no device yet, or a device that has only reported its end, so that an event of this rank decides. */
function mayTake(sql: Sql, rank: Fragment): Fragment {
  return sql`(
    ${ownerOf(sql)} IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = ${RANK_OF_END} AND ${rank} < ${RANK_OF_END})
  )`;
}

/** A column follows its fact; a value from the API stays. */
function changedValue(sql: Sql, name: string, unknown: string | null = null): Fragment {
  const said = (facts: Fragment) => sql`coalesce(${facts} #>> ARRAY[${name}, '3'], ${unknown}::text)`;
  return sql`
    CASE WHEN r.${sql(name)} IS NOT DISTINCT FROM ${said(sql`r.facts`)} THEN ${said(sql`merged.facts`)} ELSE r.${sql(name)} END`;
}

/** Each event with its environment, its rank and the device that the environment belongs to, as far as is known before. */
function remoteEvents(sql: Sql): Fragment {
  return sql`
    remote_events AS MATERIALIZED (
      SELECT e.*, CASE WHEN r.id IS NULL OR ${mayTake(sql, sql`first_rank`)} THEN first_sender ELSE ${ownerOf(sql)} END AS owner
      FROM (
        SELECT *, first_value(rank) OVER earliest AS first_rank, first_value(device_id) OVER earliest AS first_sender
        FROM (
          SELECT stored.*, env_id,
            CASE type WHEN 'remote.provision.start' THEN 0 WHEN 'remote.terminate' THEN ${RANK_OF_END}::int ELSE 1 END AS rank
          FROM stored CROSS JOIN LATERAL (
            SELECT coalesce(
              nullif(data ->> 'remote_env_id', ''),
              (
                SELECT r.id FROM remote_envs r WHERE r.instance_id = data ->> 'instance_id'
                ORDER BY coalesce(${ownerOf(sql)} = stored.device_id, false) DESC, r.id LIMIT 1
              ),
              nullif(data ->> 'instance_id', ''),
              stored.id)
          ) AS env (env_id)
          WHERE type = ANY (${typesDeriving("remote_env")})
        ) AS of_envs
        WINDOW earliest AS (PARTITION BY env_id ORDER BY rank, timestamp, id)
      ) e LEFT JOIN remote_envs r ON r.id = e.env_id
    )`;
}

/** One row an environment. What only its device may say is in `facts`: under each column [rank, µs, event, value], and [rank, device]. */
function remoteChanges(sql: Sql): Fragment {
  const isOwn = sql`device_id = owner`;
  const reason = knownOrOther(sql, sql`data ->> 'reason'`, TERMINATION_REASONS);
  const fact = (name: string, rank = sql`0`) => sql`
    (${name}::text, data ->> ${name} <> '', jsonb_build_array(${rank}, at, id, data -> ${name}))`;
  return sql`
    remote_facts AS (
      SELECT env_id, jsonb_object_agg(key, fact) AS facts
      FROM (
        SELECT DISTINCT ON (env_id, key) env_id, key, fact
        FROM remote_events
        CROSS JOIN LATERAL (SELECT ${microseconds(sql, sql`timestamp`)}) AS said (at)
        CROSS JOIN LATERAL (VALUES
          ('owner', true, jsonb_build_array(rank, device_id)),
          ('workspace_id', true, jsonb_build_array(rank, at, id, workspace_id)),
          ('device_id', type = 'remote.provision.ready' AND data ->> 'device_id' <> '', jsonb_build_array(0, at, id, data -> 'device_id')),
          ${fact("instance_id")}, ${fact("instance_type")}, ${fact("region")}, ${fact("public_ip")},
          ('blueprint', jsonb_typeof(data -> 'blueprint') = 'object', jsonb_build_array(0, at, id, data -> 'blueprint'))
        ) AS facts (key, is_said, fact)
        WHERE ${isOwn} AND is_said
        ORDER BY env_id, key, fact
      ) AS smallest
      GROUP BY env_id
    ),
    remote_changes AS (
      SELECT
        env_id, coalesce(facts, '{}') AS facts, min(workspace_id) AS workspace_id,
        CASE WHEN bool_or(type = 'remote.terminate') THEN 'terminated'
             WHEN bool_or(type = 'remote.provision.error' AND ${isOwn}) THEN 'error'
             WHEN bool_or(type = 'remote.provision.ready' AND ${isOwn}) THEN 'ready' ELSE 'provisioning' END AS status,
        coalesce(min(timestamp) FILTER (WHERE ${isOwn}), min(timestamp)) AS provisioned_at,
        min(timestamp) FILTER (WHERE type = 'remote.provision.ready' AND ${isOwn}) AS ready_at,
        min(timestamp) FILTER (WHERE type = 'remote.terminate') AS terminated_at,
        (array_agg(${reason} ORDER BY timestamp, id) FILTER (WHERE type = 'remote.terminate'))[1] AS termination_reason,
        max(least((data ->> 'total_cost_usd')::numeric, ${TOTAL_COST_USD_MAX}))
          FILTER (WHERE type = 'remote.terminate' AND ${isOwn}) AS total_cost_usd
      FROM remote_events LEFT JOIN remote_facts USING (env_id)
      GROUP BY env_id, facts
    )`;
}

/** Of two facts under one key the smaller array stands. */
function mergedFacts(sql: Sql, one: Fragment, other: Fragment): Fragment {
  return sql`(
    SELECT jsonb_object_agg(key, fact) FROM (
      SELECT DISTINCT ON (key) key, fact
      FROM (SELECT * FROM jsonb_each(${one}) UNION ALL SELECT * FROM jsonb_each(${other})) AS known (key, fact)
      ORDER BY key, fact
    ) AS smallest
  )`;
}
