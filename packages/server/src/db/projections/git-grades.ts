import type { Fragment, Sql } from "../postgres.ts";
import { formerCommits } from "./rewritten-commits.ts";

/**
 * Of the sessions that began before, so many are compared: 30,000 sessions of a second each, before a thousand commits, kept the
 * statement busy until its deadline.
 */
const SESSIONS_COMPARED_MAX = 1_000;
/** Of those that were open at the time, the last ones to start. */
const SESSIONS_MATCHED_MAX = 20;
/** So far ahead of the server's clock a device's may be: what happened then still belongs to the session that is open. */
const CLOCK_AHEAD_S = 60;
/** Between a call and the commit that it made. */
const CALL_TOLERANCE_S = 60;
/** Shorter ones name more than one commit in a large repository. The function commit_beginnings knows this number, too. */
const SHA_CHARACTERS_MIN = 7;
/** With SHA-256. */
const SHA_CHARACTERS_MAX = 64;
const FILES_COMPARED_MAX = 1_000;
/** Working directories of one session. */
const PLACES_COMPARED_MAX = 50;
const FOLDERS_MAX = 50;
const WHY_CHARACTERS_MAX = 500;
/** Begins the reason of a match that follows from another commit's: no further match follows from it. */
const REPLACES = "replaces commit ";

/** Until when a session lasts that has not ended. */
export function openUntil(sql: Sql): Fragment {
  return sql`now() + make_interval(secs => ${CLOCK_AHEAD_S})`;
}

/** Whether a call of transcripts `t` ran when `a` happened. */
export function ranDuring(sql: Sql): Fragment {
  return sql`
    a.timestamp BETWEEN t.called_at - make_interval(secs => ${CALL_TOLERANCE_S})
      AND coalesce(t.returned_at, t.called_at) + make_interval(secs => ${CALL_TOLERANCE_S})`;
}

/**
 * Defines `activity`, the git activity with these ids, and `graded`: for each, the sessions it may belong to, with the strongest reason
 * of each. `strength` 0 and 1 are exact, 2 and 3 are evidence, 4 is possible. What has an exact match has no weaker ones.
 */
export function gradedMatches(sql: Sql, ids: readonly string[]): Fragment {
  return sql`
    activity AS MATERIALIZED (
      SELECT id, workspace_id, device_id, session_id, matched_to, session_inferred, lower(commit_sha) AS sha, timestamp,
        jsonb_typeof(data -> 'file_list') = 'array' AS has_files
      FROM git_activity WHERE id = ANY(${ids})
    ),
    ${printed(sql)},
    ${during(sql)},
    ${written(sql)},
    ${replaced(sql)},
    graded AS MATERIALIZED (
      SELECT DISTINCT ON (git_activity_id, session_id) git_activity_id, session_id, strength, at,
        left(why, ${WHY_CHARACTERS_MAX}) AS why
      FROM (
        SELECT a.id AS git_activity_id, s.id AS session_id, 0 AS strength, a.timestamp AS at, 'the event names the session' AS why
        FROM activity a JOIN sessions s ON s.id = a.session_id AND s.deleted_at IS NULL WHERE NOT a.session_inferred
        UNION ALL
        SELECT git_activity_id, session_id, 1, called_at, 'call ' || call_id || ' printed ' || sha FROM printed
        UNION ALL
        SELECT d.git_activity_id, d.session_id, 2, w.touched_at, 'the session wrote ' || w.path || ' before'
        FROM written w JOIN during d USING (git_activity_id, session_id)
        UNION ALL
        SELECT git_activity_id, session_id, 3, at, ${REPLACES}::text || sha FROM replaced
        UNION ALL
        SELECT git_activity_id, session_id, 4, started_at, 'same workspace and device, during the session' FROM during
      ) AS reasons
      ORDER BY git_activity_id, session_id, strength
    )`;
}

/**
 * The sessions with a call that printed the commit's hash, or its beginning; tool_calls.commits holds those of commands that make
 * commits. They are looked up by their first characters: by each of a hash's beginnings it took 0.2 ms a commit.
 */
function printed(sql: Sql): Fragment {
  return sql`
    printed AS MATERIALIZED (
      SELECT DISTINCT ON (a.id, t.session_id) a.id AS git_activity_id, t.session_id, t.call_id, t.called_at, p.sha
      FROM activity a
      CROSS JOIN LATERAL (
        SELECT * FROM tool_calls
        WHERE commits <> '{}' AND commit_beginnings(commits) @> ARRAY[left(a.sha, ${SHA_CHARACTERS_MIN})] AND NOT is_copy OFFSET 0
      ) t
      JOIN sessions s ON s.id = t.session_id AND s.workspace_id = a.workspace_id AND s.deleted_at IS NULL
      CROSS JOIN LATERAL (
        SELECT max(sha) AS sha FROM unnest(t.commits) AS sha
        WHERE length(sha) BETWEEN ${SHA_CHARACTERS_MIN} AND ${SHA_CHARACTERS_MAX} AND starts_with(a.sha, sha)
      ) p
      WHERE p.sha IS NOT NULL AND ${ranDuring(sql)}
      ORDER BY a.id, t.session_id, t.called_at DESC, t.call_id
    )`;
}

/**
 * The sessions of the same workspace and device that were open, of git activity without an exact match. BETWEEN and the order by
 * device keep the planner from walking all sessions by their start, which it did where one device has most of them: 20 ms a row, not 1.
 */
function during(sql: Sql): Fragment {
  return sql`
    during AS MATERIALIZED (
      SELECT a.id AS git_activity_id, a.timestamp, a.has_files, s.id AS session_id, s.started_at, s.cwd
      FROM activity a
      CROSS JOIN LATERAL (
        SELECT * FROM (
          SELECT id, started_at, ended_at, metadata ->> 'cwd' AS cwd FROM sessions
          WHERE workspace_id = a.workspace_id AND device_id BETWEEN a.device_id AND a.device_id
            AND deleted_at IS NULL AND started_at <= a.timestamp
          ORDER BY device_id, started_at DESC, id DESC LIMIT ${SESSIONS_COMPARED_MAX}
        ) AS earlier
        WHERE a.timestamp <= coalesce(ended_at, ${openUntil(sql)})
        ORDER BY started_at DESC, id DESC LIMIT ${SESSIONS_MATCHED_MAX}
      ) s
      WHERE a.session_inferred AND NOT EXISTS (SELECT FROM printed WHERE printed.git_activity_id = a.id)
    )`;
}

/** The sessions of commits that an amend or a rebase replaced by this one, which has no exact match. */
function replaced(sql: Sql): Fragment {
  return sql`
    replaced AS MATERIALIZED (
      SELECT DISTINCT ON (a.id, m.session_id) a.id AS git_activity_id, m.session_id, o.timestamp AS at, o.commit_sha AS sha
      FROM (
        SELECT * FROM activity a
        WHERE session_inferred AND sha IS NOT NULL AND NOT EXISTS (SELECT FROM printed WHERE git_activity_id = a.id) OFFSET 0
      ) a
      CROSS JOIN LATERAL (${formerCommits(sql)}) former
      CROSS JOIN LATERAL (SELECT * FROM git_activity WHERE commit_sha = former.sha OFFSET 0) o
      CROSS JOIN LATERAL (SELECT * FROM git_matches WHERE git_activity_id = o.id OFFSET 0) m
      CROSS JOIN LATERAL (SELECT FROM sessions WHERE id = m.session_id AND deleted_at IS NULL OFFSET 0) s
      WHERE o.workspace_id = a.workspace_id AND m.grade IN ('exact', 'evidence') AND NOT starts_with(m.why, ${REPLACES})
      ORDER BY a.id, m.session_id, o.timestamp DESC, o.id DESC
    )`;
}

/** Of these sessions those that wrote a file before, which the commit changes. */
function written(sql: Sql): Fragment {
  return sql`
    compared AS MATERIALIZED (
      SELECT d.*, g.data ->> 'cwd' AS commit_cwd FROM during d JOIN git_activity g ON g.id = d.git_activity_id
      WHERE d.has_files AND EXISTS (SELECT FROM file_touches t WHERE t.session_id = d.session_id AND t.writes > 0)
    ),
    changed AS MATERIALIZED (
      SELECT g.id AS git_activity_id, f.path
      FROM (SELECT DISTINCT git_activity_id AS id FROM compared) c JOIN git_activity g USING (id)
      CROSS JOIN LATERAL (
        SELECT value ->> 'path' AS path FROM jsonb_array_elements(g.data -> 'file_list') LIMIT ${FILES_COMPARED_MAX}
      ) f
    ),
    ${workTrees(sql)},
    written AS MATERIALIZED (
      SELECT DISTINCT ON (c.git_activity_id, c.session_id) c.git_activity_id, c.session_id, t.touched_at, f.path
      FROM compared c
      JOIN changed f ON f.git_activity_id = c.git_activity_id
      JOIN work_trees w ON w.git_activity_id = c.git_activity_id AND w.session_id = c.session_id
        AND starts_with(f.path, w.inner_folder)
      CROSS JOIN LATERAL (
        SELECT t.touched_at FROM file_touches t
        WHERE t.session_id = c.session_id AND t.path = w.top || substr(f.path, length(w.inner_folder) + 1)
          AND t.writes > 0 AND t.touched_at <= c.timestamp
          AND NOT EXISTS (
            SELECT FROM tool_calls k WHERE k.session_id = t.session_id AND k.call_id = t.call_id AND k.is_copy
          )
        ORDER BY t.touched_at DESC LIMIT 1
      ) t
      ORDER BY c.git_activity_id, c.session_id, t.touched_at DESC, f.path
    )`;
}

/**
 * Where the top of the commit's work tree may be, as `top` of a session's paths. A commit has paths from there. It is the commit's `cwd`
 * or a folder above; where the commit has none, a directory in which the session worked or a folder above: two clones on a device stay apart.
 * A path that is relative to the session's directory lacks the `inner_folder` that lies between.
 */
function workTrees(sql: Sql): Fragment {
  return sql`
    folders AS MATERIALIZED (
      SELECT c.git_activity_id, c.session_id, c.commit_cwd, places.is_own, array_to_string(p.parts[1:n], '/') AS top,
        array_to_string(p.parts[n + 1:], '/') AS inner_folder
      FROM compared c
      CROSS JOIN LATERAL (
        SELECT c.commit_cwd AS place, false AS is_own
        UNION
        SELECT c.cwd, true
        UNION
        (SELECT DISTINCT f.data ->> 'cwd', true FROM transcript_facts f
         WHERE f.session_id = c.session_id AND f.fact = 'place' ORDER BY 1 LIMIT ${PLACES_COMPARED_MAX})
      ) places
      CROSS JOIN LATERAL (SELECT string_to_array(rtrim(places.place, '/'), '/') AS parts) p
      CROSS JOIN LATERAL generate_series(1, least(cardinality(p.parts), ${FOLDERS_MAX}::int)) AS n
    ),
    work_trees AS MATERIALIZED (
      SELECT git_activity_id, session_id, top || '/' AS top, '' AS inner_folder FROM folders WHERE is_own = (commit_cwd IS NULL)
      UNION
      SELECT git_activity_id, session_id, '', CASE inner_folder WHEN '' THEN '' ELSE inner_folder || '/' END FROM folders
      WHERE is_own AND (commit_cwd IS NULL OR starts_with(commit_cwd || '/', top || '/'))
    )`;
}
