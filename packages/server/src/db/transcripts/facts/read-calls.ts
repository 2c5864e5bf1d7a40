import { one } from "@wharf/job-runner";
import type { Fragment, Sql } from "../../postgres.ts";
import { wireTime } from "../../wire-time.ts";
import { isOfOwnFiles } from "./own-files.ts";

export type CommandRun = { call_id: string; command: string; exit_code: number | null; at: string | null };
export type TestResult = {
  command: string | null;
  passed: number | null;
  failed: number | null;
  is_success: boolean | null;
  at: string | null;
};
export type OpenCall = { call_id: string; tool: string | null; at: string };
export type NamedCalls = { name: string; calls: number };

/** Of the calls that its own files show of a session and its subagents, without copies from other sessions. */
export type CallFacts = {
  tools: Record<string, number>;
  own_calls: number;
  tool_errors: number;
  commands: number;
  failed_commands: number;
  last_commands: CommandRun[];
  test_runs: number;
  last_tests: TestResult | null;
  commits: string[];
  skills: NamedCalls[];
  worktrees: NamedCalls[];
  teammates: NamedCalls[];
  /** Calls since the last prompt that have no result yet, the latest first. */
  open_calls: OpenCall[];
};

export type FileFacts = { read: number; written: number; added: number; removed: number };

const TOOLS_MAX = 200;
const COMMANDS_MAX = 50;
const COMMAND_CHARACTERS_MAX = 500;
const COMMITS_MAX = 500;
const OPEN_CALLS_MAX = 20;
const NAMES_MAX = 100;
const NAME_CHARACTERS_MAX = 200;

export async function readCallFacts(sql: Sql, session_id: string): Promise<CallFacts> {
  const rows = await sql<CallFacts[]>`
    WITH calls AS MATERIALIZED (
      SELECT * FROM tool_calls
      WHERE session_id = ${session_id} AND message_id IS NOT NULL AND NOT is_copy AND ${isOfOwnFiles(sql, session_id, sql`file_id`)}
    ),
    named AS MATERIALIZED (${namedCalls(sql)})
    SELECT (${tools(sql)}) AS tools,
      (SELECT count(*)::int FROM calls WHERE subagent_id IS NULL) AS own_calls,
      (SELECT count(*)::int FROM calls WHERE is_error) AS tool_errors,
      (SELECT count(*)::int FROM calls WHERE command IS NOT NULL) AS commands,
      (SELECT count(*)::int FROM calls WHERE command IS NOT NULL AND exit_code <> 0) AS failed_commands,
      (${lastCommands(sql)}) AS last_commands,
      (SELECT count(*)::int FROM calls WHERE tests IS NOT NULL) AS test_runs,
      (${lastTests(sql)}) AS last_tests,
      ARRAY(SELECT DISTINCT sha FROM calls, unnest(commits) sha ORDER BY sha LIMIT ${COMMITS_MAX}) AS commits,
      (${namesOf(sql, "skill")}) AS skills, (${namesOf(sql, "worktree")}) AS worktrees, (${namesOf(sql, "teammate")}) AS teammates,
      (${openCalls(sql, session_id)}) AS open_calls`;
  return one(rows);
}

function tools(sql: Sql): Fragment {
  return sql`
    SELECT coalesce(json_object_agg(tool, n), '{}') FROM (
      SELECT coalesce(tool, 'unknown') AS tool, count(*) AS n FROM calls GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${TOOLS_MAX}
    ) counted`;
}

function lastCommands(sql: Sql): Fragment {
  return sql`
    SELECT coalesce(json_agg(c), '[]') FROM (
      SELECT call_id, left(command, ${COMMAND_CHARACTERS_MAX}) AS command, exit_code, ${wireTime(sql, sql`called_at`)} AS at
      FROM calls WHERE command IS NOT NULL ORDER BY called_at DESC NULLS LAST, call_id DESC LIMIT ${COMMANDS_MAX}
    ) c`;
}

function lastTests(sql: Sql): Fragment {
  return sql`
    SELECT json_build_object('command', left(command, ${COMMAND_CHARACTERS_MAX}), 'passed', tests -> 'passed', 'failed', tests -> 'failed',
      'is_success', tests -> 'is_success', 'at', ${wireTime(sql, sql`coalesce(returned_at, called_at)`)})
    FROM calls WHERE tests IS NOT NULL ORDER BY coalesce(returned_at, called_at) DESC NULLS LAST, call_id DESC LIMIT 1`;
}

function openCalls(sql: Sql, session_id: string): Fragment {
  return sql`
    SELECT coalesce(json_agg(c), '[]') FROM (
      SELECT call_id, tool, ${wireTime(sql, sql`called_at`)} AS at FROM calls
      WHERE NOT is_returned AND called_at >= coalesce((
        SELECT m.timestamp FROM transcript_messages m
        WHERE m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = '' AND m.kind IN ('prompt', 'interruption')
          AND NOT m.is_rewound AND m.timestamp IS NOT NULL AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)}
        ORDER BY m.sorted_at DESC, m.ordinal DESC, m.id DESC LIMIT 1
      ), '-infinity')
      ORDER BY called_at DESC, call_id LIMIT ${OPEN_CALLS_MAX}
    ) c`;
}

/** Calls whose input names a skill, a worktree or a teammate. */
function namedCalls(sql: Sql): Fragment {
  return sql`
    SELECT what, name, count(*)::int AS calls FROM (
      SELECT CASE t.tool WHEN 'Skill' THEN 'skill' WHEN 'EnterWorktree' THEN 'worktree' ELSE 'teammate' END AS what,
        left(CASE t.tool WHEN 'Skill' THEN coalesce(b.tool_input ->> 'skill', b.tool_input ->> 'command') ELSE b.tool_input ->> 'name' END,
          ${NAME_CHARACTERS_MAX}) AS name
      FROM calls t JOIN content_blocks b ON b.message_id = t.message_id AND b.tool_use_id = t.call_id
      WHERE t.tool IN ('Skill', 'EnterWorktree') OR (t.tool IN ('Task', 'Agent') AND b.tool_input ? 'team_name')
    ) inputs WHERE name IS NOT NULL GROUP BY what, name`;
}

function namesOf(sql: Sql, what: "skill" | "worktree" | "teammate"): Fragment {
  return sql`
    SELECT coalesce(json_agg(n), '[]') FROM (
      SELECT name, calls FROM named WHERE what = ${what} ORDER BY calls DESC, name LIMIT ${NAMES_MAX}
    ) n`;
}

export async function readFileFacts(sql: Sql, session_id: string): Promise<FileFacts> {
  const rows = await sql<FileFacts[]>`
    SELECT count(*) FILTER (WHERE reads > 0)::int AS read, count(*) FILTER (WHERE writes > 0)::int AS written,
      coalesce(sum(added), 0)::float8 AS added, coalesce(sum(removed), 0)::float8 AS removed
    FROM (
      SELECT f.path, sum(f.reads) AS reads, sum(f.writes) AS writes, sum(f.added) AS added, sum(f.removed) AS removed
      FROM file_touches f JOIN tool_calls t USING (session_id, call_id)
      WHERE f.session_id = ${session_id} AND NOT t.is_copy AND ${isOfOwnFiles(sql, session_id, sql`t.file_id`)} GROUP BY f.path
    ) files`;
  return one(rows);
}
