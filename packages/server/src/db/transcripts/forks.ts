import type { Fragment, Sql } from "../postgres.ts";

/** A fork of a fork of a fork …; more than anyone makes. */
const ANCESTORS_MAX = 20;

/** The session `start`, what it was forked from or started by, and so on: `line (id, depth)`. */
function lineOf(sql: Sql, start: Fragment): Fragment {
  return sql`
    RECURSIVE line (id, depth) AS (
      SELECT ${start}, 0
      UNION
      SELECT origin.id, depth + 1 FROM line JOIN sessions s ON s.id = line.id
      CROSS JOIN LATERAL (VALUES (s.parent_session_id), (s.forked_from)) AS origin (id)
      WHERE origin.id IS NOT NULL AND depth < ${ANCESTORS_MAX}
    )`;
}

/** Turn `t` of session `s` counts for a fork on this device: another device's files of a session take nothing from forks of it. */
function countsFor(sql: Sql, device_id: Fragment): Fragment {
  return sql`t.device_id IN ('', s.device_id, ${device_id})`;
}

/** The ids of the turns that a device's fork of this session may begin with: its own, and those that it began with itself. */
export async function readTurns(sql: Sql, session_id: string, device_id: string): Promise<string[]> {
  const rows = await sql<{ turn_id: string }[]>`
    WITH ${lineOf(sql, sql`${session_id}::text`)}
    SELECT DISTINCT t.turn_id FROM line JOIN sessions s ON s.id = line.id JOIN transcript_turns t ON t.session_id = s.id
    WHERE ${countsFor(sql, sql`${device_id}::text`)}`;
  return rows.map(({ turn_id }) => turn_id);
}

/**
 * Of a session and those that were forked from it or started by it: the ones that were read when fewer turns of their parent were known,
 * and took some of them for their own, or knew none.
 */
export async function findForksToReadAgain(sql: Sql, session_id: string): Promise<string[]> {
  const rows = await sql<{ session_id: string }[]>`
    WITH RECURSIVE family (id, depth) AS (
      SELECT ${session_id}::text, 0
      UNION
      SELECT s.id, depth + 1 FROM family
      CROSS JOIN LATERAL (
        SELECT id FROM sessions WHERE parent_session_id = family.id
        UNION SELECT id FROM sessions WHERE forked_from = family.id
      ) s
      WHERE depth < ${ANCESTORS_MAX}
    )
    SELECT DISTINCT g.session_id
    FROM family JOIN transcript_generations g ON g.session_id = family.id JOIN transcript_files f ON f.id = g.file_id
    CROSS JOIN LATERAL (
      WITH ${lineOf(sql, sql`g.parser_state #>> '{fork,parent}'`)}
      SELECT count(DISTINCT t.turn_id) AS turns,
        bool_or(EXISTS (
          SELECT FROM transcript_turns own
          WHERE own.session_id = g.session_id AND own.turn_id = t.turn_id AND own.device_id IN ('', f.device_id)
        )) AS is_shared
      FROM line JOIN sessions s ON s.id = line.id
      JOIN transcript_turns t ON t.session_id = line.id AND t.session_id <> g.session_id
      WHERE ${countsFor(sql, sql`f.device_id`)}
    ) known
    WHERE g.parser_state #>> '{fork,parent}' IS NOT NULL AND g.parsed_bytes > 0
      AND known.turns > (g.parser_state #>> '{fork,turns}')::bigint
      AND (g.parser_state #>> '{fork,turns}' = '0' OR known.is_shared)
    ORDER BY g.session_id`;
  return rows.map((row) => row.session_id);
}
