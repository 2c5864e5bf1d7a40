import { storableJson } from "@wharf/job-runner";
import type { Agent } from "@wharf/transcripts";
import type { ResponseKey } from "../usage/response-costs.ts";
import type { StepRows } from "./parsed-rows.ts";
import type { Query } from "./query.ts";
import type { StepPlace } from "./write-messages.ts";

/** Writes what a step shows of responses: the maximum of each number, the texts of the latest record. `seen_at` stays. */
export async function writeSightings(
  query: Query,
  place: StepPlace,
  agent: Agent,
  sightings: StepRows["sightings"],
): Promise<void> {
  if (sightings.length === 0) return;
  await query`
    INSERT INTO response_sightings AS s (
      agent, response_key, file_id, session_id, subagent_id, reading, first_at, last_at, model, speed, service_tier, inference_geo,
      input, output, cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches, cache_write_unsplit, is_lower_bound,
      is_copy, is_sidechain
    )
    SELECT ${agent}, response_key, ${place.file_id}::bigint, ${place.session_id}, ${place.subagent_id}, ${place.reading}::integer,
      first_at, last_at, model, speed, service_tier, inference_geo, input, output, cache_read, cache_write_5m, cache_write_1h,
      reasoning, web_searches, cache_write_unsplit, is_lower_bound, is_copy, is_sidechain
    FROM json_to_recordset((${storableJson(sightings)}::text)::json) AS r (
      response_key text, first_at timestamptz, last_at timestamptz, model text, speed text, service_tier text, inference_geo text,
      input bigint, output bigint, cache_read bigint, cache_write_5m bigint, cache_write_1h bigint, reasoning bigint,
      web_searches bigint, cache_write_unsplit bigint, is_lower_bound boolean, is_copy boolean, is_sidechain boolean
    )
    ON CONFLICT (agent, response_key, file_id) DO UPDATE SET (
      subagent_id, reading, first_at, last_at, model, speed, service_tier, inference_geo, input, output, cache_read, cache_write_5m,
      cache_write_1h, reasoning, web_searches, cache_write_unsplit, is_lower_bound, is_copy, is_sidechain
    ) = (
      SELECT max(subagent_id), max(reading), min(first_at), max(last_at),
        (array_agg(model ORDER BY rank) FILTER (WHERE model IS NOT NULL))[1],
        (array_agg(speed ORDER BY rank) FILTER (WHERE speed IS NOT NULL))[1],
        (array_agg(service_tier ORDER BY rank) FILTER (WHERE service_tier IS NOT NULL))[1],
        (array_agg(inference_geo ORDER BY rank) FILTER (WHERE inference_geo IS NOT NULL))[1],
        max(input), max(output), max(cache_read), max(cache_write_5m), max(cache_write_1h), max(reasoning), max(web_searches),
        max(cache_write_unsplit), bool_and(is_lower_bound), bool_and(is_copy), bool_and(is_sidechain)
      FROM (
        SELECT x.*, CASE WHEN coalesce(s.last_at, '-infinity') > coalesce(excluded.last_at, '-infinity') THEN 1 ELSE 0 END AS rank
        FROM (SELECT excluded.*) x
        UNION ALL
        SELECT y.*, CASE WHEN coalesce(s.last_at, '-infinity') > coalesce(excluded.last_at, '-infinity') THEN 0 ELSE 1 END AS rank
        FROM (SELECT s.*) y WHERE y.reading = excluded.reading
      ) both_readings
    )`;
}

/** Deletes up to `rowsMax` of a session's, and returns their keys, which are to be folded in the same transaction. */
export async function deleteSightingsOfSession(
  query: Query,
  session_id: string,
  rowsMax: number,
): Promise<ResponseKey[]> {
  return await query<ResponseKey[]>`
    DELETE FROM response_sightings WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM response_sightings WHERE session_id = ${session_id} LIMIT ${rowsMax}::integer
    ))
    RETURNING agent, response_key`;
}

export async function hasSightings(query: Query, session_id: string): Promise<boolean> {
  const rows = await query`SELECT FROM response_sightings WHERE session_id = ${session_id} LIMIT 1`;
  return rows.length > 0;
}
