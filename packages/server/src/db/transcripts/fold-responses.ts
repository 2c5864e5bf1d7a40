import { storableJson } from "@wharf/job-runner";
import type { ResponseKey } from "../usage/response-costs.ts";
import type { Query } from "./query.ts";

/** Among the advisory locks of the database. */
const FOLD_LOCK = 7_310_245_118;

/**
 * Until the end of the transaction, no other one folds responses: of two that see the same response in different files, the later has
 * to know the file of the earlier. Taken at the end of a step, where little is left to do.
 */
export async function lockFolding(query: Query): Promise<void> {
  await query`SELECT pg_advisory_xact_lock(${FOLD_LOCK}::bigint)`;
}

/** All responses that the file holds: its first time has changed, by which their owner is found. */
export async function keysOfFile(query: Query, file_id: string): Promise<ResponseKey[]> {
  return await query<
    ResponseKey[]
  >`SELECT agent, response_key FROM response_sightings WHERE file_id = ${file_id}::bigint`;
}

/**
 * Writes the responses with these keys as the files of the owner's device show them: of each number the maximum, the texts of the latest
 * record. The owner is the smallest file of those of their session's own device, or of others where there is none; of several devices, of
 * that which was seen to hold it first: times in files are what a device states. A response that no file shows is deleted. Returns those
 * that have to be priced, and the sessions whose totals change.
 */
export async function foldResponses(
  query: Query,
  keys: readonly ResponseKey[],
): Promise<{ written: ResponseKey[]; session_ids: string[] }> {
  const rows = await query<(ResponseKey & { owner: string | null; former: string | null })[]>`
    WITH keys AS MATERIALIZED (
      SELECT DISTINCT agent, response_key
      FROM json_to_recordset((${storableJson(keys)}::text)::json) AS k (agent text, response_key text)
    ),
    found AS (
      SELECT s.*, f.file, f.device_id, f.first_at AS file_first_at, f.device_id = x.device_id AS is_own,
        min(s.seen_at) OVER (PARTITION BY s.agent, s.response_key, f.device_id) AS device_seen_at
      FROM keys k JOIN response_sightings s USING (agent, response_key) JOIN transcript_files f ON f.id = s.file_id
      JOIN sessions x ON x.id = s.session_id
    ),
    ranked AS MATERIALIZED (
      SELECT *,
        row_number() OVER (
          PARTITION BY agent, response_key
          ORDER BY is_own DESC, is_copy, device_seen_at, device_id, is_sidechain, file_first_at NULLS LAST, session_id, file
        ) AS owner_rank,
        row_number() OVER (
          PARTITION BY agent, response_key ORDER BY last_at DESC NULLS LAST, session_id, file, device_id
        ) AS recency
      FROM found
    ),
    sightings AS MATERIALIZED (
      SELECT r.* FROM ranked r JOIN ranked o ON o.agent = r.agent AND o.response_key = r.response_key AND o.owner_rank = 1
      WHERE r.device_id = o.device_id
    ),
    folded AS MATERIALIZED (
      SELECT agent, response_key,
        max(session_id) FILTER (WHERE owner_rank = 1) AS session_id, max(subagent_id) FILTER (WHERE owner_rank = 1) AS subagent_id,
        max(file) FILTER (WHERE owner_rank = 1) AS file, min(first_at) AS at,
        (array_agg(model ORDER BY recency) FILTER (WHERE model IS NOT NULL))[1] AS model,
        (array_agg(speed ORDER BY recency) FILTER (WHERE speed IS NOT NULL))[1] AS speed,
        (array_agg(service_tier ORDER BY recency) FILTER (WHERE service_tier IS NOT NULL))[1] AS service_tier,
        (array_agg(inference_geo ORDER BY recency) FILTER (WHERE inference_geo IS NOT NULL))[1] AS inference_geo,
        max(input) AS input, max(output) AS output, max(cache_read) AS cache_read, max(cache_write_5m) AS cache_write_5m,
        max(cache_write_1h) AS cache_write_1h, max(reasoning) AS reasoning, max(web_searches) AS web_searches,
        max(cache_write_unsplit) AS cache_write_unsplit, bool_and(is_lower_bound) AS is_lower_bound
      FROM sightings GROUP BY agent, response_key
    ),
    former AS MATERIALIZED (SELECT m.* FROM model_responses m JOIN keys USING (agent, response_key)),
    written AS (
      INSERT INTO model_responses AS m (
        agent, response_key, session_id, subagent_id, file, model, at, speed, service_tier, inference_geo, input, output, cache_read,
        cache_write_5m, cache_write_1h, reasoning, web_searches, cache_write_unsplit, is_lower_bound
      )
      SELECT agent, response_key, session_id, subagent_id, file, model, at, speed, service_tier, inference_geo, input, output,
        cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches, cache_write_unsplit, is_lower_bound
      FROM folded ORDER BY agent, response_key
      ON CONFLICT (agent, response_key) DO UPDATE SET
        session_id = excluded.session_id, subagent_id = excluded.subagent_id, file = excluded.file, model = excluded.model,
        at = excluded.at, speed = excluded.speed, service_tier = excluded.service_tier, inference_geo = excluded.inference_geo,
        input = excluded.input, output = excluded.output, cache_read = excluded.cache_read,
        cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h, reasoning = excluded.reasoning,
        web_searches = excluded.web_searches, cache_write_unsplit = excluded.cache_write_unsplit,
        is_lower_bound = excluded.is_lower_bound
      WHERE (m.session_id, m.subagent_id, m.file, m.model, m.at, m.speed, m.service_tier, m.inference_geo, m.input, m.output,
          m.cache_read, m.cache_write_5m, m.cache_write_1h, m.reasoning, m.web_searches, m.cache_write_unsplit, m.is_lower_bound)
        IS DISTINCT FROM (excluded.session_id, excluded.subagent_id, excluded.file, excluded.model, excluded.at, excluded.speed,
          excluded.service_tier, excluded.inference_geo, excluded.input, excluded.output, excluded.cache_read,
          excluded.cache_write_5m, excluded.cache_write_1h, excluded.reasoning, excluded.web_searches,
          excluded.cache_write_unsplit, excluded.is_lower_bound)
      RETURNING agent, response_key
    ),
    gone AS (
      DELETE FROM model_responses m USING keys k
      WHERE m.agent = k.agent AND m.response_key = k.response_key
        AND NOT EXISTS (SELECT FROM folded d WHERE d.agent = k.agent AND d.response_key = k.response_key)
    )
    SELECT k.agent, k.response_key, d.session_id AS owner, p.session_id AS former
    FROM keys k
    LEFT JOIN folded d USING (agent, response_key)
    LEFT JOIN former p USING (agent, response_key)
    LEFT JOIN written w USING (agent, response_key)
    WHERE w.agent IS NOT NULL OR d.agent IS NULL`;
  const session_ids = rows.flatMap(({ owner, former }) => [owner, former].filter((id) => id !== null));
  return { written: rows.filter(({ owner }) => owner !== null), session_ids: [...new Set(session_ids)] };
}
