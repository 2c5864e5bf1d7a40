import type { Sql } from "../../db/postgres.ts";

/** All that is derived from transcripts, without what differs by the order of arrival: ids of files, and times of writing. */
export async function digestOf(sql: Sql): Promise<Record<string, readonly unknown[]>> {
  return {
    messages: await sql`
      SELECT m.id, m.session_id, m.subagent_id, m.line_number, m.ordinal, m.message_type, m.kind, m.model, m.timestamp, m.sorted_at::text,
        m.message_key, m.parent_key, m.response_key, m.raw_message, m.compact_sequence, m.is_copy, m.is_sidechain, m.is_rewound,
        f.device_id, f.file, m.generation
      FROM transcript_messages m JOIN transcript_files f ON f.id = m.file_id ORDER BY m.id`,
    blocks: await sql`SELECT * FROM content_blocks ORDER BY id`,
    calls: await sql`
      SELECT c.session_id, c.call_id, c.subagent_id, c.message_id, c.tool, c.command, c.called_at, c.returned_at, c.exit_code, c.is_error,
        c.tests, c.commits, c.is_returned, c.is_copy
      FROM tool_calls c ORDER BY 1, 2`,
    touches: await sql`SELECT * FROM file_touches ORDER BY session_id, call_id, path`,
    facts: await sql`
      SELECT t.session_id, f.device_id, f.file, t.generation, t.line, t.position, t.fact, t.data, t.message_id
      FROM transcript_facts t JOIN transcript_files f ON f.id = t.file_id ORDER BY 1, 2, 3, 4, 5, 6`,
    turns: await sql`SELECT * FROM transcript_turns ORDER BY 1, 2`,
    responses: await sql`SELECT * FROM model_responses ORDER BY agent, response_key`,
    subagents: await sql`
      SELECT id, session_id, agent_id, agent_type, model, call_id, parent_agent_id, description, workflow, label, started_at, ended_at
      FROM subagents ORDER BY id`,
    sessions: await sql`
      SELECT id, workspace_id, device_id, lifecycle, start_reported_at::text, ended_at::text, git_branch, model,
        initial_prompt, metadata, parse_status, parse_error, total_messages, user_messages, assistant_messages, tool_use_count,
        thinking_blocks, subagent_count, response_count, tokens_in, tokens_out, cache_read_tokens, cache_write_tokens,
        cost_estimate_usd, cost_is_partial, parent_session_id, forked_from, agent, parser_version
      FROM sessions ORDER BY id`,
    generations: await sql`
      SELECT f.session_id, f.device_id, f.file, f.first_at, f.has_stale_rows, g.generation, g.parsed_bytes, g.parsed_lines, g.counts,
        g.parser_version
      FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id ORDER BY 1, 2, 3, 6`,
  };
}
