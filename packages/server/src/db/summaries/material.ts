import type { Sql } from "../postgres.ts";
import { ownFiles } from "../transcripts/facts/own-files.ts";

/** What a summary is made of; lists are cut off, and counted in whole. */
export type SummaryMaterial = {
  id: string;
  /** A person wrote its summary. */
  is_edited: boolean;
  title: string | null;
  prompts: string[];
  prompt_count: number;
  /** Of the last answer of a model, its text. */
  last_answer: string | null;
  files: { path: string; added: number | null; removed: number | null }[];
  file_count: number;
  commands: { command: string; exit_code: number | null }[];
  command_count: number;
  commits: { sha: string; message: string | null }[];
  commit_count: number;
};

const PROMPTS_MAX = 20;
const TEXT_CHARACTERS_MAX = 2_000;
const LIST_MAX = 20;

/** Of these sessions: what was asked, changed, run and committed, each in its order, as their own files show it. */
export async function readMaterial(sql: Sql, ids: readonly string[]): Promise<SummaryMaterial[]> {
  return await sql<SummaryMaterial[]>`
    SELECT s.id, s.title, s.summary IS NOT NULL AND NOT EXISTS (
        SELECT FROM session_summaries k WHERE k.session_id = s.id AND k.source IN ('plain', 'model')
      ) AS is_edited,
      CASE WHEN p.prompts IS NOT NULL THEN p.prompts WHEN s.initial_prompt IS NULL THEN '[]'
        ELSE jsonb_build_array(left(s.initial_prompt, ${TEXT_CHARACTERS_MAX}::int)) END AS prompts,
      coalesce(nullif(p.count, 0), (s.initial_prompt IS NOT NULL)::int)::int AS prompt_count, a.last_answer,
      coalesce(f.files, '[]') AS files, f.count::int AS file_count, coalesce(c.commands, '[]') AS commands, c.count::int AS command_count,
      coalesce(g.commits, '[]') AS commits, g.count::int AS commit_count
    FROM sessions s
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT id FROM (${ownFiles(sql, sql`s.id`)}) own) AS ids) o
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(text ORDER BY nth) FILTER (WHERE nth <= ${PROMPTS_MAX}::int) AS prompts, count(*) AS count FROM (
        SELECT left(string_agg(b.content_text, E'\n' ORDER BY b.block_order), ${TEXT_CHARACTERS_MAX}::int) AS text,
          row_number() OVER (ORDER BY m.sorted_at, m.ordinal, m.id) AS nth
        FROM transcript_messages m JOIN content_blocks b ON b.message_id = m.id AND b.content_text IS NOT NULL
        WHERE m.session_id = s.id AND m.subagent_id IS NULL AND m.kind = 'prompt' AND NOT m.is_copy
          AND m.file_id = ANY (o.ids)
        GROUP BY m.id, m.sorted_at, m.ordinal
      ) asked
    ) p
    CROSS JOIN LATERAL (
      SELECT (
        SELECT left(string_agg(b.content_text, E'\n' ORDER BY b.block_order), ${TEXT_CHARACTERS_MAX}::int)
        FROM transcript_messages m JOIN content_blocks b ON b.message_id = m.id AND b.content_text IS NOT NULL
        WHERE m.session_id = s.id AND m.subagent_id IS NULL AND m.kind = 'assistant' AND m.file_id = ANY (o.ids)
        GROUP BY m.id, m.sorted_at, m.ordinal ORDER BY m.sorted_at DESC, m.ordinal DESC, m.id DESC LIMIT 1
      ) AS last_answer
    ) a
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('path', path, 'added', added, 'removed', removed) ORDER BY nth)
        FILTER (WHERE nth <= ${LIST_MAX}::int) AS files, count(*) AS count
      FROM (
        SELECT path, sum(added)::int AS added, sum(removed)::int AS removed,
          row_number() OVER (ORDER BY sum(writes) DESC, path) AS nth
        FROM file_touches JOIN tool_calls t USING (session_id, call_id) WHERE session_id = s.id AND t.file_id = ANY (o.ids)
        GROUP BY path HAVING sum(writes) > 0
      ) written
    ) f
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('command', left(command, ${TEXT_CHARACTERS_MAX}::int), 'exit_code', exit_code) ORDER BY nth DESC)
        FILTER (WHERE nth <= ${LIST_MAX}::int) AS commands, count(*) AS count
      FROM (
        SELECT command, exit_code, row_number() OVER (ORDER BY called_at DESC NULLS LAST, call_id) AS nth
        FROM tool_calls WHERE session_id = s.id AND command IS NOT NULL AND NOT is_copy AND file_id = ANY (o.ids)
      ) run
    ) c
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('sha', commit_sha, 'message', left(message, ${TEXT_CHARACTERS_MAX}::int)) ORDER BY nth)
        FILTER (WHERE nth <= ${LIST_MAX}::int) AS commits, count(*) AS count
      FROM (
        SELECT commit_sha, message, row_number() OVER (ORDER BY timestamp, id) AS nth
        FROM git_activity WHERE session_id = s.id AND type = 'commit' AND commit_sha IS NOT NULL
      ) committed
    ) g
    WHERE s.id = ANY (${[...ids]}) ORDER BY s.id`;
}
