import type { OutlinePrompt } from "@wharf/protocol";
import type { Sql } from "../../postgres.ts";
import { beyond, inOrder, inScope, type MessagePlace, type PageStart } from "./message-order.ts";

const TEXT_CHARACTERS_MAX = 300;

export type OutlineRow = OutlinePrompt & MessagePlace;

/** The prompts of a session after `place`, in their order. Each is measured up to the prompt that follows it. */
export async function listPrompts(
  sql: Sql,
  session_id: string,
  place: MessagePlace | null,
  limit: number,
): Promise<OutlineRow[]> {
  const scope = { session_id, subagent_id: null };
  const start: PageStart | null = place === null ? null : { place, direction: "after" };
  return await sql<OutlineRow[]>`
    WITH listed AS MATERIALIZED (
      SELECT m.id, m.kind, m.timestamp, m.sorted_at, m.ordinal, m.is_rewound
      FROM transcript_messages m
      WHERE ${inScope(sql, scope)} AND m.kind IN ('prompt', 'command') ${beyond(sql, start)}
      ORDER BY ${inOrder(sql)} LIMIT ${limit + 1}
    ), prompts AS MATERIALIZED (
      SELECT *, lead(sorted_at, 1, 'infinity') OVER next AS next_at, lead(ordinal, 1, 0) OVER next AS next_ordinal,
        lead(id, 1, '') OVER next AS next_id
      FROM listed WINDOW next AS (ORDER BY sorted_at, ordinal, id)
    ), spent AS (
      -- Each response belongs to the last prompt before it.
      SELECT nth, sum(cost_usd) AS cost_usd
      FROM (
        SELECT cost_usd, count(prompt) OVER (ORDER BY at, prompt NULLS LAST ROWS UNBOUNDED PRECEDING) AS nth
        FROM (
          SELECT sorted_at AS at, 1 AS prompt, NULL::numeric AS cost_usd FROM prompts
          UNION ALL
          SELECT at, NULL, cost_usd FROM model_responses
          WHERE session_id = ${session_id} AND at >= (SELECT min(sorted_at) FROM prompts)
        ) merged
      ) numbered
      GROUP BY nth
    )
    SELECT p.id AS message_id, p.kind, p.timestamp AS at, p.is_rewound, p.sorted_at, p.ordinal, p.id,
      left(shown.content_text, ${TEXT_CHARACTERS_MAX}) AS text, last.timestamp AS ended_at, spent.cost_usd
    FROM (SELECT *, row_number() OVER (ORDER BY sorted_at, ordinal, id) AS nth FROM prompts) p
    LEFT JOIN spent ON spent.nth = p.nth
    LEFT JOIN LATERAL (
      SELECT b.content_text FROM content_blocks b
      WHERE b.message_id = p.id AND b.content_text IS NOT NULL ORDER BY b.block_order LIMIT 1
    ) shown ON true
    LEFT JOIN LATERAL (
      SELECT m.timestamp FROM transcript_messages m
      WHERE ${inScope(sql, scope)} AND (m.sorted_at, m.ordinal, m.id) < (p.next_at, p.next_ordinal, p.next_id)
      ORDER BY ${inOrder(sql, true)} LIMIT 1
    ) last ON true
    ORDER BY p.sorted_at, p.ordinal, p.id LIMIT ${limit + 1}`;
}
