import { FOUND_MESSAGES_MAX, type FoundMessage } from "@wharf/protocol";
import type { Sql } from "../db/postgres.ts";
import { type FoundRow, findMessages } from "../db/reads/transcripts/found-messages.ts";
import type { MessagePlace } from "../db/reads/transcripts/message-order.ts";
import { readTexts } from "../db/search/texts.ts";
import { textOf } from "./documents-of-blocks.ts";
import { resolveFilters } from "./filter-query.ts";
import { fragmentsOf } from "./fragments.ts";
import { parseQuery, type SearchQuery } from "./parse-query.ts";
import { allOf, loosely } from "./tsquery.ts";

/**
 * Messages of a session with all words of the query, in any form, in their order; up to `limit + 1`, of which the last one shows that
 * there are more. Throws QueryError for a filter's value.
 */
export async function findInSession(
  sql: Sql,
  session_id: string,
  q: string,
  place: MessagePlace | null,
  limit: number,
): Promise<FoundRow[]> {
  const parsed = parseTyped(q);
  const { parts } = await resolveFilters(sql, parsed);
  const query = allOf([...parsed.terms.map((term) => loosely(term)), ...parts]);
  if (query === "") return [];
  return await findMessages(sql, { session_id, query, most: FOUND_MESSAGES_MAX }, place, limit + 1);
}

/** With the text around what was found. */
export async function withFragments(sql: Sql, q: string, rows: readonly FoundRow[]): Promise<FoundMessage[]> {
  const { terms } = parseTyped(q);
  const texts = await readTexts(sql, rows);
  const byBlock = new Map(texts.map((row) => [`${row.message_id}/${row.block_order}`, row]));
  return rows.map(({ message_id, subagent_id, at, kind, block }) => {
    const row = byBlock.get(`${message_id}/${block}`);
    const text = row === undefined ? "" : textOf(kind, row);
    const [fragment = { text: "", marks: [] }] = fragmentsOf(text, terms, []);
    return { message_id, subagent_id, at, kind, fragment };
  });
}

/** The last word may not be typed to its end. */
function parseTyped(q: string): SearchQuery {
  const query = parseQuery(q);
  const last = query.terms.length - 1;
  return { ...query, terms: query.terms.map((term, nth) => ({ ...term, isBeginning: nth === last })) };
}
