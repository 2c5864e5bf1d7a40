import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";

/** As liveStateOf takes them (transcripts/live-state.ts), with the session's id and the database's time. */
export type LiveFactsOfSession = {
  id: string;
  now_ms: number;
  ended_ms: number | null;
  end_reason: string | null;
  ended_by_server: boolean;
  event: { type: string; at_ms: number; reason: string | null } | null;
  message: { kind: string; at_ms: number; has_tool_use: boolean } | null;
  open_calls: { tool: string | null; at_ms: number }[];
  last_ms: number | null;
};

function ms(sql: Sql, time: Fragment): Fragment {
  return sql`(1000 * extract(epoch FROM ${time}))::float8`;
}

/** The last event is found by idx_events_live, whose types these are. */
export async function readLiveFacts(sql: Sql, ids: readonly string[]): Promise<LiveFactsOfSession[]> {
  const stated = (json: Fragment) => ms(sql, sql`(${json})::timestamptz`);
  return await sql<LiveFactsOfSession[]>`
    SELECT s.id, ${ms(sql, sql`now()`)} AS now_ms, ${ms(sql, sql`s.ended_at`)} AS ended_ms, s.end_reason, s.ended_by_server,
      (
        SELECT json_build_object('type', type, 'at_ms', ${ms(sql, sql`timestamp`)}, 'reason', left(data ->> 'reason', 100))
        FROM events e
        WHERE e.session_id = s.id AND e.device_id = s.device_id
          AND e.type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting')
        ORDER BY e.timestamp DESC, e.id DESC LIMIT 1
      ) AS event,
      (
        SELECT json_build_object('kind', m ->> 'kind', 'at_ms', ${stated(sql`m ->> 'at'`)}, 'has_tool_use', m -> 'has_tool_use')
        FROM (SELECT s.transcript -> 'last_message' AS m) last_message WHERE m ->> 'at' IS NOT NULL
      ) AS message,
      (
        SELECT coalesce(json_agg(json_build_object('tool', c ->> 'tool', 'at_ms', ${stated(sql`c ->> 'at'`)})), '[]')
        FROM jsonb_array_elements(s.transcript -> 'open_calls') c
      ) AS open_calls,
      ${stated(sql`s.transcript ->> 'last_at'`)} AS last_ms
    FROM sessions s WHERE s.id = ANY (${[...ids]}::text[]) AND s.deleted_at IS NULL`;
}

export type LiveStateOfSession = {
  id: string;
  state: string | null;
  reason: string | null;
  since_ms: number | null;
};

/** Writes the states that have changed. A session that another transaction holds locked is left to the job that runs each minute. */
export async function writeLiveStates(sql: Sql, states: readonly LiveStateOfSession[]): Promise<void> {
  await sql`
    WITH states AS (
      SELECT id, state, reason, to_timestamp(since_ms / 1000) AS since
      FROM json_to_recordset((${JSON.stringify(states)}::text)::json) AS r (id text, state text, reason text, since_ms float8)
    ),
    held AS MATERIALIZED (
      SELECT s.id FROM sessions s JOIN states n USING (id)
      WHERE (s.live_state, s.live_reason, s.live_since) IS DISTINCT FROM (n.state, n.reason, n.since)
      ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
    ),
    patched AS (
      UPDATE sessions s SET live_state = n.state, live_reason = n.reason, live_since = n.since, updated_at = now()
      FROM states n, held WHERE s.id = n.id AND held.id = s.id
      RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT`;
}

/** Up to `limit` sessions after `afterId` whose state may have become another one by time alone, or whose end it does not show. */
export async function findPassingStates(
  sql: Sql,
  silence_ms: number,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM sessions
    WHERE live_state IN ('working', 'needs_input', 'turn_done', 'idle', 'stale_call') AND deleted_at IS NULL AND id > ${afterId}
      AND (
        ended_at IS NOT NULL
        OR (live_state IN ('working', 'turn_done') AND live_since < now() - ${silence_ms} * interval '1 millisecond')
      )
    ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}
