import type { Usage } from "@wharf/transcripts";
import type { Query } from "./prices.ts";

export type ResponseKey = { agent: string; response_key: string };

/** What is priced of a response. */
export type BilledResponse = ResponseKey & {
  model: string | null;
  /** ISO 8601 in UTC. */
  at: string | null;
  speed: string | null;
  inference_geo: string | null;
} & Usage;

/** A null cost: the model has no price. */
export type ResponseCost = ResponseKey & { cost_usd: number | null; cost_is_partial: boolean };

/** These responses, for a transaction that locked or wrote them. */
export async function readBilled(query: Query, keys: readonly ResponseKey[]): Promise<BilledResponse[]> {
  return await query<BilledResponse[]>`
    SELECT agent, response_key, model, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, speed, inference_geo,
      input::float8, output::float8, cache_read::float8, cache_write_5m::float8, cache_write_1h::float8, reasoning::float8,
      web_searches::float8
    FROM model_responses
    WHERE (agent, response_key) IN (
      SELECT agent, response_key FROM jsonb_to_recordset((${JSON.stringify(keys)}::text)::jsonb) AS k (agent text, response_key text)
    )`;
}

/** Writes costs where they differ, and returns the sessions that own these responses. */
export async function writeCosts(query: Query, costs: readonly ResponseCost[]): Promise<string[]> {
  const rows = await query<{ session_id: string }[]>`
    WITH priced AS (
      UPDATE model_responses m SET cost_usd = c.cost_usd, cost_is_partial = c.cost_is_partial
      FROM jsonb_to_recordset((${JSON.stringify(costs)}::text)::jsonb)
        AS c (agent text, response_key text, cost_usd numeric, cost_is_partial boolean)
      WHERE m.agent = c.agent AND m.response_key = c.response_key
        AND (m.cost_usd, m.cost_is_partial) IS DISTINCT FROM (c.cost_usd, c.cost_is_partial)
      RETURNING m.session_id
    )
    SELECT DISTINCT session_id FROM priced ORDER BY session_id`;
  return rows.map(({ session_id }) => session_id);
}

/** The keys of up to `limit` responses behind `after`, in their order, each locked until the end of the transaction. */
export async function lockResponsesAfter(
  query: Query,
  after: ResponseKey | null,
  limit: number,
): Promise<ResponseKey[]> {
  return await query<ResponseKey[]>`
    SELECT agent, response_key FROM model_responses
    WHERE (agent, response_key) > (${after?.agent ?? ""}, ${after?.response_key ?? ""})
    ORDER BY agent, response_key LIMIT ${limit}::integer FOR NO KEY UPDATE`;
}
