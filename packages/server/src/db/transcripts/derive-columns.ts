import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";
import { isOfOwnFiles, ownFiles } from "./facts/own-files.ts";

/** The session's due derivation, if there is one: as text, to be compared when it is done. */
export async function findDueDerivation(sql: Sql, session_id: string): Promise<string | null> {
  const [row] = await sql<{ due_at: string }[]>`
    SELECT due_at::text FROM derivations_due WHERE session_id = ${session_id}`;
  return row?.due_at ?? null;
}

/** The derivation that was due at that time is done; one that became due since stays. */
export async function finishDerivation(sql: Sql, session_id: string, due_at: string): Promise<void> {
  await sql`DELETE FROM derivations_due WHERE session_id = ${session_id} AND due_at = (${due_at}::text)::timestamptz`;
}

/** The columns of a session that are counts of what its own files show, and sums of its responses. `parser_version`: the oldest by which a file was read. */
export async function deriveColumns(sql: Sql, session_id: string): Promise<void> {
  await sql`
    WITH messages AS (
      SELECT count(*) AS total, count(*) FILTER (WHERE kind = 'prompt') AS prompts,
        count(*) FILTER (WHERE kind = 'assistant') AS answers
      FROM transcript_messages
      WHERE session_id = ${session_id} AND NOT is_copy AND kind <> 'unknown'
        AND ${isOfOwnFiles(sql, session_id, sql`file_id`)}
    ),
    blocks AS (
      SELECT count(*) FILTER (WHERE b.block_type IN ('thinking', 'redacted_thinking')) AS thinking
      FROM content_blocks b JOIN transcript_messages m ON m.id = b.message_id
      WHERE b.session_id = ${session_id} AND NOT m.is_copy AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)}
    ),
    calls AS (
      SELECT count(*) AS total FROM tool_calls
      WHERE session_id = ${session_id} AND message_id IS NOT NULL AND NOT is_copy AND ${isOfOwnFiles(sql, session_id, sql`file_id`)}
    ),
    responses AS (
      SELECT count(*) AS total, sum(input) AS input, sum(output) AS output, sum(cache_read) AS cache_read,
        sum(coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0))
          FILTER (WHERE cache_write_5m IS NOT NULL OR cache_write_1h IS NOT NULL) AS cache_write,
        sum(cost_usd) AS cost_usd, coalesce(bool_or(cost_is_partial OR cost_usd IS NULL), false) AS is_partial
      FROM model_responses WHERE session_id = ${session_id}
    ),
    generations AS (
      SELECT min(parser_version) AS parser_version, coalesce(bool_and(parsed_bytes >= stored_bytes), true) AS is_parsed
      FROM transcript_generations WHERE session_id = ${session_id}
    ),
    patched AS (
      UPDATE sessions s SET
        total_messages = ${ofTexts(sql, "total_messages", sql`messages.total`)},
        user_messages = ${ofTexts(sql, "user_messages", sql`messages.prompts`)},
        assistant_messages = ${ofTexts(sql, "assistant_messages", sql`messages.answers`)},
        tool_use_count = calls.total, thinking_blocks = ${ofTexts(sql, "thinking_blocks", sql`blocks.thinking`)},
        subagent_count = (${ownSubagents(sql, session_id)}),
        response_count = responses.total, tokens_in = responses.input, tokens_out = responses.output,
        cache_read_tokens = responses.cache_read, cache_write_tokens = responses.cache_write,
        cost_estimate_usd = responses.cost_usd, cost_is_partial = responses.is_partial,
        parent_session_id = ${originOf(sql, session_id, "parent")}, forked_from = ${originOf(sql, session_id, "forked_from")},
        transcript_s3_key = coalesce((
          SELECT 'transcripts/' || f.session_id || '/' || f.file FROM (${ownFiles(sql, session_id)}) f WHERE f.kind = 'main'
          ORDER BY f.file LIMIT 1
        ), s.transcript_s3_key),
        parser_version = generations.parser_version,
        parse_status = CASE WHEN generations.is_parsed THEN 'completed' ELSE parse_status END, parse_error = NULL, updated_at = now()
      FROM messages, blocks, calls, responses, generations
      WHERE s.id = ${session_id} AND s.deleted_at IS NULL
      RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT`;
}

/** Those that its own files or its events name. */
function ownSubagents(sql: Sql, session_id: string): Fragment {
  return sql`
    SELECT count(*) FROM subagents a
    WHERE a.session_id = ${session_id} AND (a.started_at IS NOT NULL OR a.ended_at IS NOT NULL OR EXISTS (
      SELECT FROM transcript_facts t
      WHERE t.session_id = a.session_id AND t.fact = 'subagent' AND t.data ->> 'agent_id' = a.agent_id
        AND ${isOfOwnFiles(sql, session_id, sql`t.file_id`)}
    ))`;
}

/** The messages of an archived session are deleted: its counts of them stay. */
function ofTexts(sql: Sql, column: string, count: Fragment) {
  return sql`CASE WHEN s.lifecycle = 'archived' THEN s.${sql(column)} ELSE ${count} END`;
}

function originOf(sql: Sql, session_id: string, name: "parent" | "forked_from") {
  return sql`(
    SELECT t.data ->> ${name}::text FROM transcript_facts t JOIN (${ownFiles(sql, session_id)}) f ON f.id = t.file_id
    WHERE t.session_id = ${session_id} AND t.fact = 'origin' AND t.data ->> ${name}::text IS NOT NULL
    ORDER BY f.file, t.generation DESC, t.line DESC, t.position DESC LIMIT 1
  )`;
}
