import type { SessionDetail } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** Of a session with more notes of events, the latest are counted. */
const NOTES_MAX = 10_000;

type Row = { side: "device" | "hub"; counts: Record<string, number> };

/** Secrets that were replaced in a session's transcripts and events, by rule. */
export async function countRedactions(sql: Sql, sessionId: string): Promise<SessionDetail["redactions"]> {
  const rows = await sql<Row[]>`
    WITH noted AS MATERIALIZED (
      SELECT detail FROM ingest_notes WHERE session_id = ${sessionId} AND kind = 'secrets_replaced'
      ORDER BY ingest_notes.id DESC LIMIT ${NOTES_MAX}
    ),
    counted AS (
      SELECT side, rule, count::bigint
      FROM transcript_generations g, jsonb_each(g.redactions) AS sides (side, rules), jsonb_each_text(rules) AS rules (rule, count)
      WHERE g.session_id = ${sessionId}
      UNION ALL
      SELECT 'hub', rule, count::bigint FROM noted, jsonb_each_text(detail::jsonb) AS rules (rule, count)
    )
    SELECT side, jsonb_object_agg(rule, total) AS counts
    FROM (SELECT side, rule, sum(count)::bigint AS total FROM counted GROUP BY side, rule) AS totals
    GROUP BY side`;
  const sides = new Map(rows.map(({ side, counts }) => [side, counts]));
  return { device: sides.get("device") ?? {}, hub: sides.get("hub") ?? {} };
}
