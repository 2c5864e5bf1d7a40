import type { GitActivity } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { isOfOwnFiles } from "../transcripts/facts/own-files.ts";

/** The function commit_beginnings knows this number, too. */
const BEGINNING_CHARACTERS = 7;
const BRANCH_CHARACTERS_MAX = 255;
const MESSAGE_CHARACTERS_MAX = 1_000;
const MESSAGES_SEARCHED_MAX = 50;

/** A commit that only a transcript shows, as git activity of the session whose call printed it. */
export type PrintedCommit = GitActivity & { session_id: string; why: string };

/**
 * The commits that calls of these sessions made and printed, as far as no git hook of the session's repository reported them: each
 * once a session, in the columns of git activity and `why`. The hash, the branch and the message are as git printed them; once the
 * text of the output is no longer kept, the last two are null. `page` filters, orders and limits them by `timestamp` and `id`.
 */
export function printedCommits(
  sql: Sql,
  { calls, shas = sql`true`, page }: { calls: Fragment; shas?: Fragment; page: Fragment },
): Fragment {
  return sql`
    SELECT p.id, workspace_id, device_id, session_id, 'commit' AS type, replace(printed.parts[1], ' (root-commit)', '') AS branch, sha AS commit_sha,
      left(nullif(printed.parts[3], ''), ${MESSAGE_CHARACTERS_MAX}) AS message, NULL::int AS files_changed, NULL::int AS insertions,
      NULL::int AS deletions, timestamp, '{}'::jsonb AS data, true AS session_inferred,
      'call ' || call_id || ' printed ' || sha || '; no git hook of this repository reported it' AS why
    FROM (SELECT * FROM (${unreported(sql, calls, shas)}) unreported WHERE ${page}) p
    LEFT JOIN LATERAL (${printedLine(sql)}) printed ON true`;
}

/** Those of a hash or its beginning: what was printed may be longer or shorter. The last ones of up to `limit` calls. */
export async function findPrintedCommits(sql: Sql, sha: string, limit: number): Promise<PrintedCommit[]> {
  return await sql<PrintedCommit[]>`
    ${printedCommits(sql, {
      calls: sql`commit_beginnings(t.commits) @> ARRAY[${sha.slice(0, BEGINNING_CHARACTERS)}]`,
      shas: sql`(starts_with(sha, ${sha}) OR starts_with(${sha}, sha))`,
      page: sql`true ORDER BY timestamp DESC, id DESC LIMIT ${limit}`,
    })}
    ORDER BY timestamp DESC, id DESC, session_id`;
}

/** Its sessions are those whose facts count the commit. OFFSET 0: each is looked for by its hash, not compared with all of its workspace. */
function unreported(sql: Sql, calls: Fragment, shas: Fragment): Fragment {
  return sql`
    SELECT DISTINCT ON (t.session_id, sha) 'printed-' || sha || '-' || s.workspace_id AS id, s.workspace_id, f.device_id, t.session_id,
      t.subagent_id, t.call_id, t.returned_at, sha, coalesce(t.returned_at, t.called_at, s.started_at) AS timestamp
    FROM tool_calls t
    JOIN sessions s ON s.id = t.session_id AND s.deleted_at IS NULL
    JOIN transcript_files f ON f.id = t.file_id
    CROSS JOIN LATERAL unnest(t.commits) AS sha
    WHERE t.commits <> '{}' AND NOT t.is_copy AND ${calls} AND ${shas} AND ${isOfOwnFiles(sql, sql`s.id`, sql`t.file_id`)}
      AND NOT EXISTS (
        SELECT FROM git_activity g
        WHERE g.commit_sha >= sha AND g.commit_sha < sha || 'g' AND starts_with(g.commit_sha, sha) AND g.workspace_id = s.workspace_id
        OFFSET 0
      )
    ORDER BY t.session_id, sha, t.called_at, t.call_id`;
}

/**
 * Branch and message of `[main 1a2b3c4] Message` in the result of call `p`, whose message is one of the first at or after the time of
 * the result. Unbounded, it took 20 ms a commit: Postgres read all messages of the session. The expression is compiled once: with the hash
 * and the bound in it, that took 5 ms a commit.
 */
function printedLine(sql: Sql): Fragment {
  return sql`
    SELECT parts
    FROM (
      SELECT id FROM transcript_messages m
      WHERE m.session_id = p.session_id AND coalesce(m.subagent_id, '') = coalesce(p.subagent_id, '')
        AND m.sorted_at >= coalesce(p.returned_at, '-infinity')
      ORDER BY m.sorted_at, m.ordinal, m.id LIMIT ${MESSAGES_SEARCHED_MAX}
    ) m
    CROSS JOIN LATERAL (SELECT * FROM content_blocks WHERE message_id = m.id OFFSET 0) b
    CROSS JOIN LATERAL regexp_matches(
      E'\\n' || b.result_text, '\\n\\[([^]\\n]+) ([0-9a-f]+)\\] ([^\\n]*)', 'g'
    ) AS parts
    WHERE b.tool_result_id = p.call_id AND parts[2] = p.sha AND length(parts[1]) <= ${BRANCH_CHARACTERS_MAX} LIMIT 1`;
}
