import { typesDeriving } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { storedEvents } from "./stored-events.ts";

const INTEGER_MIN = -2_147_483_648;
const INTEGER_MAX = 2_147_483_647;
/** A longer text does not fit into the index, and no commit has such a hash. */
const COMMIT_SHA_CHARACTERS_MAX = 200;

/** Writes the rows of these events. `session_inferred` ones name no session: matchGitActivity finds it. */
export async function projectGitActivity(sql: Sql, eventIds: readonly string[]): Promise<void> {
  // Only some types have a schema for them: any other value is no figure.
  const integer = (key: string) => sql`
    CASE WHEN jsonb_typeof(data -> ${key}) = 'number'
      THEN greatest(${INTEGER_MIN}, least((data ->> ${key})::numeric, ${INTEGER_MAX}))::int END`;
  await sql`
    WITH ${storedEvents(sql, eventIds)}
    INSERT INTO git_activity (
      id, workspace_id, device_id, session_id, session_inferred, type, branch, commit_sha, message,
      files_changed, insertions, deletions, timestamp, data
    )
    SELECT
      id, workspace_id, device_id, session_id, session_id IS NULL, substr(type, length('git.') + 1),
      coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
      left(coalesce(data ->> 'hash', data ->> 'merge_commit'), ${COMMIT_SHA_CHARACTERS_MAX}),
      data ->> 'message',
      ${integer("files_changed")}, ${integer("insertions")}, ${integer("deletions")}, timestamp, data
    FROM stored WHERE type = ANY (${typesDeriving("git")})
    ORDER BY id
    ON CONFLICT (id) DO NOTHING`;
}

/**
 * The git activity whose session may have changed: that of `gitIds`, and all that the sessions hold or held, so that a late start,
 * a late end and a late commit all lead to the same answer. In the order of their ids, those behind `afterId`.
 */
export async function findMatchable(
  sql: Sql,
  gitIds: readonly string[],
  sessionIds: readonly string[],
  limit: number,
  afterId = "",
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM (
    SELECT a.id FROM git_activity a WHERE a.id = ANY(${gitIds}) AND a.session_inferred
    UNION
    SELECT a.id FROM git_activity a WHERE a.session_id = ANY(${sessionIds}) AND a.session_inferred
    UNION
    SELECT a.id FROM unnest(${sessionIds}::text[]) AS changed (id)
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = changed.id OFFSET 0) s
    CROSS JOIN LATERAL (
      SELECT a.id FROM git_activity a
      WHERE a.workspace_id = s.workspace_id AND a.device_id = s.device_id AND a.session_inferred
        AND a.timestamp BETWEEN s.started_at AND coalesce(s.ended_at, ${openUntil(sql)})
      OFFSET 0
    ) a
    ) AS matchable
    WHERE id > ${afterId} ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/**
 * Matches git activity that names no session to the session of the same workspace and device during which it happened; of several,
 * the one that started last. Repeating it changes nothing.
 */
export async function matchGitActivity(sql: Sql, ids: readonly string[]): Promise<void> {
  // A row that was waited for was judged by sessions as they were before the wait: after a change they are compared again.
  while ((await matchOnce(sql, ids)) > 0);
}

/** How many rows were changed. */
async function matchOnce(sql: Sql, ids: readonly string[]): Promise<number> {
  const result = await sql`
    UPDATE git_activity g SET session_id = found.session_id
    FROM (
      SELECT a.id, ${sessionDuring(sql)} AS session_id
      FROM git_activity a WHERE a.id = ANY(${ids}) AND a.session_inferred
      OFFSET 0
    ) AS found
    WHERE g.id = found.id AND g.session_id IS DISTINCT FROM found.session_id`;
  return result.count;
}

/**
 * Of the sessions that began before, so many are compared: 30,000 sessions of a second each, before a thousand commits, kept the
 * statement busy until its deadline.
 */
const SESSIONS_COMPARED_MAX = 1_000;
/** So far ahead of the server's clock a device's may be: what happened then still belongs to the session that is open. */
const CLOCK_AHEAD_S = 60;

/**
 * The session of `a`'s workspace and device during which it happened; an open one lasts until now, and a minute more. BETWEEN and the order by device
 * keep the planner from walking all sessions by their start, which it did where one device has most of them: 20 ms a row, not 1.
 */
function sessionDuring(sql: Sql) {
  return sql`(
    SELECT earlier.id FROM (
      SELECT s.id, s.started_at, s.ended_at FROM sessions s
      WHERE s.workspace_id = a.workspace_id AND s.device_id BETWEEN a.device_id AND a.device_id
        AND s.deleted_at IS NULL AND s.started_at <= a.timestamp
      ORDER BY s.device_id, s.started_at DESC, s.id DESC LIMIT ${SESSIONS_COMPARED_MAX}
    ) AS earlier
    WHERE a.timestamp <= coalesce(earlier.ended_at, ${openUntil(sql)})
    ORDER BY earlier.started_at DESC, earlier.id DESC LIMIT 1
  )`;
}

function openUntil(sql: Sql) {
  return sql`now() + make_interval(secs => ${CLOCK_AHEAD_S})`;
}
