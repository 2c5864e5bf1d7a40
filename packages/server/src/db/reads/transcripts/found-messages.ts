import type { DocumentKind } from "../../../search/document-kinds.ts";
import type { Sql } from "../../postgres.ts";
import { beyond, inOrder, type MessagePlace } from "./message-order.ts";

export type FoundRow = MessagePlace & {
  message_id: string;
  subagent_id: string | null;
  at: string | null;
  block: number;
  kind: DocumentKind;
  /** Messages that match, up to `most`. */
  total: number;
};

/** Messages of a session and its subagents of which a part matches the tsquery, in their order. */
export async function findMessages(
  sql: Sql,
  { session_id, query, most }: { session_id: string; query: string; most: number },
  place: MessagePlace | null,
  limit: number,
): Promise<FoundRow[]> {
  return await sql<FoundRow[]>`
    WITH parts AS MATERIALIZED (
      SELECT DISTINCT ON (message_id) message_id, block, kind FROM search_documents
      WHERE session_id = ${session_id} AND message_id IS NOT NULL AND tsv @@ ${query}::text::tsquery
      ORDER BY message_id, block
    ), counted AS (SELECT least(count(*), ${most})::integer AS total FROM parts)
    SELECT m.id AS message_id, m.subagent_id, m.timestamp AS at, m.sorted_at, m.ordinal, m.id, p.block, p.kind, c.total
    FROM parts p JOIN transcript_messages m ON m.id = p.message_id CROSS JOIN counted c
    WHERE true ${beyond(sql, place === null ? null : { place, direction: "after" })}
    ORDER BY ${inOrder(sql)} LIMIT ${limit}`;
}
