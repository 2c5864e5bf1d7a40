import type { UsageGroup, UsageRow } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

export type UsageFilters = {
  workspace_id?: string | undefined;
  device_id?: string | undefined;
  session_id?: string | undefined;
  agent?: string | undefined;
  model?: string | undefined;
};

/** `from` null: from the beginning; `to` null: without an end, as clocks of devices may be ahead. A day without a time begins in the time zone. */
export type UsageRange = { tz: string; from: string | null; to: string | null };

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A time of a query. */
export function instantIn(sql: Sql, tz: string, text: string): Fragment {
  return DAY.test(text)
    ? sql`(${text}::text::timestamp AT TIME ZONE ${tz}::text)`
    : sql`${text}::text::timestamptz`;
}

/**
 * What is summed up; sessions whose deletion has begun are left out. Without a filter by their place, these few are looked for: a join
 * reads all sessions of the hub, which takes half the time of a plot of 30 days when there are 100,000.
 */
function slots(sql: Sql, { tz, from, to }: UsageRange, filters: UsageFilters): Fragment {
  const { workspace_id, device_id, session_id, agent, model } = filters;
  const isOfPlace = workspace_id !== undefined || device_id !== undefined;
  return sql`
    usage_slots u ${isOfPlace ? sql`JOIN sessions p ON p.id = u.session_id AND p.deleted_at IS NULL` : sql``}
    WHERE ${isOfPlace ? sql`true` : notDeleted(sql)}
      ${from === null ? sql`` : sql`AND u.slot >= date_bin('15 minutes', ${instantIn(sql, tz, from)}, 'epoch')`}
      ${to === null ? sql`` : sql`AND u.slot < ${instantIn(sql, tz, to)}`}
      ${workspace_id === undefined ? sql`` : sql`AND p.workspace_id = ${workspace_id}`}
      ${device_id === undefined ? sql`` : sql`AND p.device_id = ${device_id}`}
      ${session_id === undefined ? sql`` : sql`AND u.session_id = ${session_id}`}
      ${agent === undefined ? sql`` : sql`AND u.agent = ${agent}`}
      ${model === undefined ? sql`` : sql`AND u.model = ${model}`}`;
}

/** Of rows `u` of usage_slots. */
export function notDeleted(sql: Sql): Fragment {
  return sql`NOT EXISTS (SELECT FROM sessions d WHERE d.id = u.session_id AND d.deleted_at IS NOT NULL)`;
}

/** The session of each row of `sums`, by its id. */
function theirSessions(sql: Sql): Fragment {
  return sql`
    CROSS JOIN LATERAL (
      SELECT workspace_id, device_id, reported_cost_usd FROM sessions WHERE id = sums.session_id OFFSET 0
    ) s`;
}

/** Up to `limit` rows: days and hours in their order, other groups by their cost, the most expensive first. */
export async function readUsage(
  sql: Sql,
  group: UsageGroup,
  range: UsageRange,
  filters: UsageFilters,
  limit: number,
): Promise<UsageRow[]> {
  const isPlot = group === "day" || group === "hour";
  const needsSessions = !isPlot && group !== "model";
  return await sql<UsageRow[]>`
    SELECT ${keyText(sql, group)} AS key, ${nameOf(sql, group)} AS name, sessions, responses, tokens_in, tokens_out, cache_read_tokens,
      cache_write_tokens, cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, web_searches, cost_usd, cost_is_partial,
      reported_cost_usd
    FROM (
      SELECT ${group === "workspace" || group === "device" ? sql`s.${sql(`${group}_id`)}` : sql`sums.key`} AS group_key,
        count(*) AS sessions, sum(responses) AS responses,
        sum(input) AS tokens_in, sum(output) AS tokens_out, sum(cache_read) AS cache_read_tokens,
        sum(cache_write_5m + cache_write_1h) AS cache_write_tokens, sum(cache_write_5m) AS cache_write_5m_tokens,
        sum(cache_write_1h) AS cache_write_1h_tokens, sum(reasoning) AS reasoning_tokens, sum(web_searches) AS web_searches,
        CASE WHEN sum(unpriced) < sum(responses) THEN sum(cost_usd) END AS cost_usd,
        sum(unpriced + partial) > 0 AS cost_is_partial,
        ${needsSessions ? sql`sum(s.reported_cost_usd)` : sql`NULL::numeric`} AS reported_cost_usd
      FROM (
        SELECT ${keyOf(sql, group, range.tz)} AS key, u.session_id, sum(responses) AS responses,
          sum(unpriced) AS unpriced, sum(partial) AS partial, sum(input) AS input, sum(output) AS output, sum(cache_read) AS cache_read,
          sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(reasoning) AS reasoning,
          sum(web_searches) AS web_searches, sum(cost_usd) AS cost_usd
        FROM ${slots(sql, range, filters)}
        GROUP BY 1, 2
      ) sums
      ${needsSessions ? theirSessions(sql) : sql``}
      GROUP BY group_key
      ORDER BY ${isPlot ? sql`group_key` : sql`cost_usd DESC NULLS LAST, responses DESC, group_key`}
      LIMIT ${limit}
    ) g
    ORDER BY ${isPlot ? sql`g.group_key` : sql`g.cost_usd DESC NULLS LAST, g.responses DESC, g.group_key`}`;
}

/** Models without a price, by their number of responses, the largest first. */
export async function readUnpriced(
  sql: Sql,
  range: UsageRange,
  filters: UsageFilters,
  limit: number,
): Promise<{ model: string | null; responses: number }[]> {
  return await sql<{ model: string | null; responses: number }[]>`
    SELECT nullif(u.model, '') AS model, sum(u.unpriced) AS responses
    FROM ${slots(sql, range, filters)} AND u.unpriced > 0
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${limit}`;
}

/** Of a type that is soon compared; that of a workspace and of a device is the session's. */
function keyOf(sql: Sql, group: UsageGroup, tz: string): Fragment {
  switch (group) {
    case "day":
      return sql`(u.slot AT TIME ZONE ${tz}::text)::date`;
    case "hour":
      return sql`date_trunc('hour', u.slot, ${tz}::text)`;
    case "model":
      return sql`nullif(u.model, '')`;
    case "agent":
      return sql`u.agent`;
    case "session":
    case "workspace":
    case "device":
      return sql`u.session_id`;
  }
}

function keyText(sql: Sql, group: UsageGroup): Fragment {
  if (group === "day") return sql`to_char(g.group_key, 'YYYY-MM-DD')`;
  return group === "hour"
    ? sql`to_char(g.group_key AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    : sql`g.group_key`;
}

function nameOf(sql: Sql, group: UsageGroup): Fragment {
  switch (group) {
    case "workspace":
      return sql`(SELECT canonical_id FROM workspaces w WHERE w.id = g.group_key)`;
    case "device":
      return sql`(SELECT d.name FROM devices d WHERE d.id = g.group_key)`;
    case "session":
      return sql`(SELECT title FROM sessions t WHERE t.id = g.group_key)`;
    default:
      return sql`NULL::text`;
  }
}
