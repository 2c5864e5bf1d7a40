import type postgres from "postgres";
import { deviceId, words, workspaceId } from "./rows.ts";

/** A ULID whose time part counts up with the event's number. */
export const eventId = (sql: postgres.Sql, number: string) =>
  sql`'01K' || lpad((${sql.unsafe(number)})::text, 23, '0')`;

/**
 * Stores the planned events from number `first` up to `last`, of about 590 bytes each. Foreign keys are not checked: the
 * projection that follows makes the sessions that these events name.
 */
export async function writeEvents(sql: postgres.Sql, first: number, last: number): Promise<void> {
  await sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at)
    SELECT ${eventId(sql, "e.n")}, e.type, e.at, ${deviceId(sql, "e.device")}, ${workspaceId(sql, "e.workspace")},
      CASE WHEN e.type LIKE 'git.%' AND e.n % 4 = 0 THEN NULL ELSE s.id END, ${payload(sql)}, e.at + interval '2 seconds'
    FROM bench_events e LEFT JOIN bench_sessions s ON s.n = e.session
    WHERE e.n BETWEEN ${first} AND ${last}
    ORDER BY e.n`;
}

/** The fields that each type's projection reads; the others as an agent's hooks send them. */
function payload(sql: postgres.Sql) {
  return sql`
    CASE e.type
      WHEN 'session.start' THEN jsonb_build_object(
        'cc_session_id', s.id, 'cwd', '/home/jane/work/repository-' || e.workspace, 'git_branch', 'feature/' || e.n % 40,
        'cc_version', '2.1.33', 'model', (ARRAY['claude-opus-4', 'claude-sonnet-4', 'gpt-5-codex'])[1 + e.n % 3],
        'source', 'startup', 'transcript_path', '/home/jane/.agent/projects/' || s.id || '.jsonl')
      WHEN 'session.end' THEN jsonb_build_object(
        'cc_session_id', s.id, 'duration_ms', round(extract(epoch FROM s.ended_at - s.started_at) * 1000)::bigint,
        'end_reason', 'exit', 'cwd', '/home/jane/work/repository-' || e.workspace,
        'transcript_path', '/home/jane/.agent/projects/' || s.id || '.jsonl')
      WHEN 'git.push' THEN jsonb_build_object('branch', 'feature/' || e.n % 40, 'remote', 'origin', 'commit_count', 2)
      WHEN 'git.checkout' THEN jsonb_build_object('from_ref', md5(e.n::text), 'to_ref', md5((e.n + 1)::text), 'to_branch', 'feature/' || e.n % 40)
      WHEN 'git.commit' THEN jsonb_build_object(
        'hash', md5(e.n::text) || '00000000', 'message', ${words(sql, "e.n", 120)}, 'author_name', 'Jane Developer',
        'author_email', 'jane@example.com', 'branch', 'feature/' || e.n % 40, 'files_changed', 3, 'insertions', e.n % 900,
        'deletions', e.n % 200, 'file_list', jsonb_build_array(
          jsonb_build_object('path', 'packages/server/src/' || md5(e.n::text) || '.ts', 'status', 'M'),
          jsonb_build_object('path', 'packages/server/src/app.ts', 'status', 'M')))
      WHEN 'subagent.start' THEN jsonb_build_object(
        'session_id', s.id, 'agent_id', 'agent-' || e.n, 'agent_type', 'reviewer', 'agent_name', 'reviewer', 'model', 'claude-sonnet-4')
      WHEN 'skill.invoke' THEN jsonb_build_object('session_id', s.id, 'skill_name', 'deploy', 'args', ${words(sql, "e.n", 60)})
      ELSE jsonb_build_object(
        'tool_name', 'Edit', 'tool_use_id', md5(e.n::text), 'duration_ms', e.n % 9000, 'ok', true, 'text', ${words(sql, "e.n", 330)})
    END`;
}
