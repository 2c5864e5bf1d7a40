import { one } from "@wharf/job-runner";
import { REPORT_TEXT_CHARACTERS_MAX, SUMMED_MAX } from "@wharf/protocol";
import type { TitleRank } from "@wharf/transcripts";
import type { Fragment, Sql } from "../../postgres.ts";
import { wireTime } from "../../wire-time.ts";
import { ownFiles } from "./own-files.ts";

export type Compaction = {
  trigger: string | null;
  tokens_before: number | null;
  tokens_after: number | null;
  at: string | null;
};

/** What the files of a session state about it, besides messages and calls; texts are as long as in a report. */
export type Stated = {
  /** The session's own device, if it has files. */
  own_device: string | null;
  agent: string | null;
  titles: { rank: TitleRank; text: string }[];
  /** The first and the last that are known. */
  cwd: string | null;
  branch: string | null;
  version: string | null;
  /** A git remote, as the agent writes it. */
  remote: string | null;
  last_cwd: string | null;
  last_branch: string | null;
  compactions: Compaction[];
  compaction_count: number;
  api_errors: number;
  reported_cost_usd: number | null;
  reported_models: Record<string, unknown> | null;
  pull_requests: string[];
  unknown_types: Record<string, number>;
  lines: Record<string, number>;
};

const COMPACTIONS_MAX = 100;
const PULL_REQUESTS_MAX = 100;
const TYPES_MAX = 50;

export async function readStated(sql: Sql, session_id: string): Promise<Stated> {
  const first = (value: Fragment) =>
    sql`(array_agg(${value} ORDER BY is_main DESC, file, line, position) FILTER (WHERE ${value} IS NOT NULL))[1]`;
  const last = (value: Fragment) =>
    sql`(array_agg(${value} ORDER BY is_main DESC, file DESC, line DESC, position DESC) FILTER (WHERE ${value} IS NOT NULL))[1]`;
  const text = (field: string) => sql`left(data ->> ${field}, ${REPORT_TEXT_CHARACTERS_MAX})`;
  const rows = await sql<Stated[]>`
    WITH files AS MATERIALIZED (${ownFiles(sql, session_id)}),
    stated AS MATERIALIZED (
      SELECT t.fact, t.data, t.line, t.position, f.file, f.kind = 'main' AS is_main, t.message_id
      FROM transcript_facts t JOIN files f ON f.id = t.file_id AND f.generation = t.generation WHERE t.session_id = ${session_id}
    ),
    shown AS MATERIALIZED (
      SELECT t.fact, t.data, m.timestamp, m.id
      FROM transcript_facts t
      JOIN files f ON f.id = t.file_id
      JOIN transcript_messages m ON m.id = t.message_id AND m.file_id = t.file_id AND m.generation = t.generation
      WHERE t.session_id = ${session_id} AND t.fact IN ('compaction', 'api_error') AND NOT m.is_copy
    ),
    places AS (
      SELECT ${first(text("cwd"))} AS cwd, ${first(text("branch"))} AS branch, ${first(text("version"))} AS version,
        ${last(text("cwd"))} AS last_cwd, ${last(text("branch"))} AS last_branch
      FROM stated WHERE fact = 'place' AND is_main
    ),
    reported AS (
      SELECT CASE WHEN (data ->> 'cost_usd')::float8 BETWEEN 0 AND ${SUMMED_MAX} THEN (data ->> 'cost_usd')::float8 END AS cost_usd,
        data -> 'models' AS models
      FROM stated WHERE fact = 'reported_cost' ORDER BY is_main DESC, file DESC, line DESC, position DESC LIMIT 1
    )
    SELECT places.*,
      (SELECT ${first(sql`data ->> 'url'`)} FROM stated WHERE fact = 'remote' AND is_main) AS remote,
      (SELECT max(device_id) FROM files WHERE is_own) AS own_device,
      (SELECT agent FROM files ORDER BY kind <> 'main', agent LIMIT 1) AS agent,
      (${titles(sql)}) AS titles, (${compactions(sql)}) AS compactions,
      (SELECT count(*)::int FROM shown WHERE fact = 'compaction') AS compaction_count,
      ((SELECT count(*) FROM shown WHERE fact = 'api_error')
        + (SELECT count(*) FROM stated WHERE fact = 'api_error' AND message_id IS NULL))::int AS api_errors,
      (SELECT cost_usd FROM reported) AS reported_cost_usd, (SELECT models FROM reported) AS reported_models,
      ARRAY(
        SELECT ${text("url")} FROM transcript_facts t JOIN files f ON f.id = t.file_id
        WHERE t.session_id = ${session_id} AND t.fact = 'pull_request'
        GROUP BY 1 ORDER BY 1 LIMIT ${PULL_REQUESTS_MAX}
      ) AS pull_requests,
      (
        SELECT coalesce(json_object_agg(type, n), '{}') FROM (
          SELECT coalesce(${text("type")}, '') AS type, count(*) AS n FROM stated WHERE fact = 'unknown'
          GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${TYPES_MAX}
        ) types
      ) AS unknown_types,
      (${lines(sql)}) AS lines
    FROM places`;
  return one(rows);
}

/** The last of each rank. */
function titles(sql: Sql): Fragment {
  return sql`
    SELECT coalesce(json_agg(json_build_object('rank', rank, 'text', text)), '[]') FROM (
      SELECT DISTINCT ON (data ->> 'rank') data ->> 'rank' AS rank, data ->> 'text' AS text FROM stated WHERE fact = 'title'
      ORDER BY data ->> 'rank', is_main DESC, file DESC, line DESC, position DESC
    ) last_titles`;
}

function compactions(sql: Sql): Fragment {
  return sql`
    SELECT coalesce(json_agg(c), '[]') FROM (
      SELECT data ->> 'trigger' AS trigger, (data ->> 'tokens_before')::float8 AS tokens_before,
        (data ->> 'tokens_after')::float8 AS tokens_after, ${wireTime(sql, sql`timestamp`)} AS at
      FROM shown WHERE fact = 'compaction' ORDER BY timestamp, id LIMIT ${COMPACTIONS_MAX}
    ) c`;
}

function lines(sql: Sql): Fragment {
  return sql`
    SELECT coalesce(json_object_agg(outcome, n), '{}') FROM (
      SELECT c.key AS outcome, sum(c.value::numeric) AS n
      FROM files f JOIN transcript_generations g ON g.file_id = f.id AND g.generation = f.generation
      CROSS JOIN LATERAL jsonb_each_text(g.counts) c GROUP BY c.key
    ) counted`;
}
