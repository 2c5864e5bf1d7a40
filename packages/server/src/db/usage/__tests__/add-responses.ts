import type { Sql } from "../../postgres.ts";

export type ResponseToAdd = {
  key: string;
  session_id?: string;
  agent?: string;
  model?: string | null;
  at?: string | null;
  input?: number | null;
  output?: number | null;
  cache_read?: number | null;
  cache_write_5m?: number | null;
  cache_write_1h?: number | null;
  web_searches?: number;
  speed?: string;
  inference_geo?: string;
  cost_usd?: number | null;
  cost_is_partial?: boolean;
};

/** A session on `laptop` in the workspace `w`, unless told otherwise. */
export async function addSession(
  sql: Sql,
  id: string,
  { workspace_id = "w", device_id = "laptop" } = {},
): Promise<void> {
  await sql`
    INSERT INTO workspaces (id, canonical_id, display_name) VALUES (${workspace_id}, ${`github.com/acme/${workspace_id}`}, ${workspace_id})
    ON CONFLICT DO NOTHING`;
  await sql`INSERT INTO devices (id, name, type) VALUES (${device_id}, ${device_id}, 'local') ON CONFLICT DO NOTHING`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at) VALUES (${id}, ${workspace_id}, ${device_id}, '2026-10-20T10:00:00Z')
    ON CONFLICT DO NOTHING`;
}

/** Responses as the parse job leaves them, by default of `s-1`, without tokens and cost. */
export async function addResponses(sql: Sql, responses: readonly ResponseToAdd[]): Promise<void> {
  for (const response of responses) {
    const { key, session_id = "s-1", agent = "claude-code", model = "claude-opus-5" } = response;
    await addSession(sql, session_id);
    const { input = 0, output = 0, cache_read = 0, cache_write_5m = 0, cache_write_1h = 0 } = response;
    const { at = "2026-10-20T10:00:00Z", speed = null, inference_geo = null, cost_usd = null } = response;
    await sql`
      INSERT INTO model_responses (agent, response_key, session_id, file, model, at, speed, inference_geo, input, output, cache_read,
        cache_write_5m, cache_write_1h, web_searches, is_lower_bound, cost_usd, cost_is_partial)
      VALUES (${agent}, ${key}, ${session_id}, 'main.jsonl', ${model}, ${at}, ${speed}, ${inference_geo}, ${input}, ${output},
        ${cache_read}, ${cache_write_5m}, ${cache_write_1h}, ${response.web_searches ?? 0}, false, ${cost_usd},
        ${response.cost_is_partial ?? false})`;
  }
}
