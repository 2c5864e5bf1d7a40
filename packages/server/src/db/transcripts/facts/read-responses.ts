import { one } from "@wharf/job-runner";
import type { Fragment, Sql } from "../../postgres.ts";
import { wireTime } from "../../wire-time.ts";
import { isOfOwnFiles } from "./own-files.ts";

export type Spent = {
  responses: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  cost_usd: number | null;
};
export type ContextSize = { at: string; tokens: number };

/** Of the responses that a session owns. */
export type ResponseFacts = {
  models: (Spent & { model: string | null })[];
  /** The one of most responses that its own files hold. */
  own_model: string | null;
  /** Without its subagents. */
  own: Spent;
  /** Models without a price. */
  unpriced: string[];
  /** Input with cache of the session's own responses: the largest of each stretch of time. */
  context: ContextSize[];
  context_max: number | null;
  context_last: number | null;
};

/** Shown of a session, of all models and of those without a price. */
export const MODELS_MAX = 50;
const CONTEXT_SIZES_MAX = 200;

function spent(sql: Sql): Fragment {
  return sql`
    count(*)::int AS responses, sum(input)::float8 AS tokens_in, sum(output)::float8 AS tokens_out,
    sum(cache_read)::float8 AS cache_read_tokens, sum(cache_write)::float8 AS cache_write_tokens, sum(cost_usd)::float8 AS cost_usd`;
}

export async function readResponseFacts(sql: Sql, session_id: string): Promise<ResponseFacts> {
  const rows = await sql<ResponseFacts[]>`
    WITH responses AS MATERIALIZED (
      SELECT *, coalesce(cache_write_5m + cache_write_1h, cache_write_5m, cache_write_1h) AS cache_write
      FROM model_responses WHERE session_id = ${session_id}
    ),
    sizes AS MATERIALIZED (
      SELECT at, response_key, coalesce(input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0) AS tokens,
        ntile(${CONTEXT_SIZES_MAX}) OVER (ORDER BY at, response_key) AS stretch
      FROM responses WHERE subagent_id IS NULL AND at IS NOT NULL
    )
    SELECT
      (
        SELECT coalesce(json_agg(m), '[]') FROM (
          SELECT model, ${spent(sql)} FROM responses GROUP BY model ORDER BY count(*) DESC, model LIMIT ${MODELS_MAX}
        ) m
      ) AS models,
      (
        SELECT model FROM responses r
        WHERE model IS NOT NULL AND EXISTS (
          SELECT FROM response_sightings g
          WHERE g.agent = r.agent AND g.response_key = r.response_key AND ${isOfOwnFiles(sql, session_id, sql`g.file_id`)}
        )
        GROUP BY model ORDER BY count(*) DESC, model LIMIT 1
      ) AS own_model,
      (SELECT to_json(o) FROM (SELECT ${spent(sql)} FROM responses WHERE subagent_id IS NULL) o) AS own,
      ARRAY(
        SELECT DISTINCT model FROM responses WHERE cost_usd IS NULL AND model IS NOT NULL ORDER BY model LIMIT ${MODELS_MAX}
      ) AS unpriced,
      (
        SELECT coalesce(json_agg(s), '[]') FROM (
          SELECT ${wireTime(sql, sql`max(at)`)} AS at, max(tokens)::float8 AS tokens FROM sizes GROUP BY stretch ORDER BY stretch
        ) s
      ) AS context,
      (SELECT max(tokens)::float8 FROM sizes) AS context_max,
      (SELECT tokens::float8 FROM sizes ORDER BY at DESC, response_key DESC LIMIT 1) AS context_last`;
  return one(rows);
}

/** Gives each subagent the sums and the model of its own responses, and the times of its messages, which of an archived session stay. */
export async function writeSubagentFacts(sql: Sql, session_id: string): Promise<void> {
  await sql`
    UPDATE subagents a SET tokens_in = t.tokens_in, tokens_out = t.tokens_out, cache_read_tokens = t.cache_read,
      cache_write_tokens = t.cache_write, cost_estimate_usd = t.cost_usd, used_model = t.used_model, first_at = t.first_at,
      finished_at = t.finished_at
    FROM (
      SELECT a.id, r.*, CASE WHEN is_archived THEN a.first_at ELSE m.first_at END AS first_at,
        CASE WHEN is_archived THEN a.finished_at ELSE m.finished_at END AS finished_at
      FROM subagents a JOIN sessions s ON s.id = a.session_id
      CROSS JOIN LATERAL (SELECT s.lifecycle = 'archived' AS is_archived) l
      CROSS JOIN LATERAL (${timesOfSubagent(sql, session_id)}) m
      LEFT JOIN (${responsesOfSubagents(sql, session_id)}) r ON r.subagent_id = a.id
      WHERE a.session_id = ${session_id}
    ) t
    WHERE a.id = t.id AND EXISTS (SELECT FROM sessions WHERE id = ${session_id} AND deleted_at IS NULL)
      AND (a.tokens_in, a.tokens_out, a.cache_read_tokens, a.cache_write_tokens, a.cost_estimate_usd, a.used_model,
        a.first_at, a.finished_at)
      IS DISTINCT FROM (t.tokens_in, t.tokens_out, t.cache_read, t.cache_write, t.cost_usd, t.used_model, t.first_at, t.finished_at)`;
}

function responsesOfSubagents(sql: Sql, session_id: string): Fragment {
  return sql`
    SELECT subagent_id, sum(input) AS tokens_in, sum(output) AS tokens_out, sum(cache_read) AS cache_read,
      sum(coalesce(cache_write_5m + cache_write_1h, cache_write_5m, cache_write_1h)) AS cache_write, sum(cost_usd) AS cost_usd,
      mode() WITHIN GROUP (ORDER BY model) AS used_model
    FROM model_responses WHERE session_id = ${session_id} AND subagent_id IS NOT NULL GROUP BY subagent_id`;
}

/** Of subagent `a`, by idx_transcript_msg_order. */
function timesOfSubagent(sql: Sql, session_id: string): Fragment {
  const ofSubagent = sql`
    m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = a.id AND NOT m.is_copy AND m.timestamp IS NOT NULL
    AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)}`;
  return sql`
    SELECT
      (SELECT m.timestamp FROM transcript_messages m WHERE ${ofSubagent} ORDER BY m.sorted_at, m.ordinal, m.id LIMIT 1) AS first_at,
      (
        SELECT CASE WHEN kind = 'interruption' OR kind = 'assistant' AND NOT has_tool_use THEN timestamp END FROM (
          SELECT m.kind, m.has_tool_use, m.timestamp FROM transcript_messages m
          WHERE ${ofSubagent} AND m.kind IN ('prompt', 'task', 'interruption', 'tool_result', 'assistant')
          ORDER BY m.sorted_at DESC, m.ordinal DESC, m.id DESC LIMIT 1
        ) latest
      ) AS finished_at`;
}
