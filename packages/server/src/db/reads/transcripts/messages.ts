import type { MessageWithoutBlocks, TranscriptDensity } from "@wharf/protocol";
import type { Fragment, Sql } from "../../postgres.ts";
import { type Listed, withinBytes } from "../page-bytes.ts";
import { BLOCKS_PER_MESSAGE_MAX, cutBlock, isShown, shownBlocks, TEXT_CHARACTERS_MAX } from "./blocks.ts";
import { messagesOfPage } from "./density.ts";
import { beyond, inOrder, inScope, type MessagePlace, type PageStart, type Scope } from "./message-order.ts";

/** A message without its blocks, and its place. */
export type MessageRow = MessageWithoutBlocks & Pick<MessagePlace, "sorted_at" | "ordinal">;

export type PageOfMessages = {
  density: TranscriptDensity;
  scope: Scope;
  start: PageStart | null;
  /** One more than the page takes, which shows that there are more. */
  limit: number;
};

/** What a message's own columns take in JSON. */
const MESSAGE_BYTES = 1_000;
const BLOCK_BYTES = 500;
const UTF8_BYTES_MAX = 4;

/** Messages in the order in which the page is read; the page ends by the bytes of their blocks. */
export async function listMessages(sql: Sql, page: PageOfMessages): Promise<Listed<MessageRow>[]> {
  const { density, scope, start, limit } = page;
  const found = sql`
    SELECT m.*, m.id AS found_id FROM (${messagesOfPage(sql, density, scope, start, limit)}) m`;
  const order = inOrder(sql, start?.direction === "before");
  return await sql<Listed<MessageRow>[]>`
    SELECT m.id, m.session_id, m.subagent_id, m.message_type, m.kind, m.role, m.timestamp, m.message_key, m.parent_key,
      f.agent, f.device_id, f.file, m.generation, m.line_number, m.is_copy, m.is_sidechain, m.is_rewound,
      ${isDropped(sql)} AS is_dropped,
      coalesce(m.model, r.model) AS model, m.response_key,
      r.input AS tokens_in, r.output AS tokens_out, r.cache_read,
      coalesce(r.cache_write_5m + r.cache_write_1h, r.cache_write_5m, r.cache_write_1h) AS cache_write,
      r.reasoning AS reasoning_tokens, r.cost_usd, r.cost_is_partial, r.is_lower_bound,
      greatest(0, blocks.count - ${BLOCKS_PER_MESSAGE_MAX})::integer AS blocks_left_out,
      m.sorted_at, m.ordinal, m.page_is_full
    FROM (${withinBytes(sql, found, order, bytesOfMessage(sql, density))}) m
    CROSS JOIN LATERAL (
      SELECT count(*) FROM content_blocks b WHERE b.message_id = m.id ${isShown(sql, density)}
    ) blocks
    LEFT JOIN transcript_files f ON f.id = m.file_id
    -- By their primary key: joined, all responses of the session would be read for each message.
    LEFT JOIN LATERAL (
      SELECT * FROM model_responses WHERE agent = f.agent AND response_key = m.response_key OFFSET 0
    ) r ON r.session_id = m.session_id
    ORDER BY ${order}`;
}

/** Whether message `m` of file `f` is in older generations alone, and the newest one, which could have it, is parsed. */
function isDropped(sql: Sql): Fragment {
  return sql`
    coalesce(m.generation < f.generation, false)
      AND NOT EXISTS (
        SELECT FROM transcript_generations g
        WHERE g.file_id = f.id AND g.generation = f.generation AND g.parsed_bytes < g.stored_bytes
      )
      AND NOT EXISTS (
        SELECT FROM hidden_messages h JOIN transcript_files o ON o.id = h.file_id AND o.generation = h.generation
        WHERE h.message_id = m.id
      )`;
}

function bytesOfMessage(sql: Sql, density: TranscriptDensity) {
  const stored = ["content_text", "thinking_text", "result_text"].map(
    (text) =>
      sql`least(coalesce(octet_length(${sql(`b.${text}`)}), 0), ${TEXT_CHARACTERS_MAX * UTF8_BYTES_MAX})`,
  );
  const blocks = shownBlocks(sql, density, sql`found_id`);
  const sum = stored.reduce((left, right) => sql`${left} + ${right}`, sql`${BLOCK_BYTES}`);
  return {
    stored: sql`
      ${MESSAGE_BYTES} + (SELECT coalesce(sum(${sum} + coalesce(pg_column_size(b.tool_input), 0)), 0) FROM (${blocks}) b)`,
    json: sql`
      ${MESSAGE_BYTES} + (
        SELECT coalesce(sum(octet_length(to_json(cut)::text) + ${BLOCK_BYTES}), 0)
        FROM (SELECT ${cutBlock(sql, density)} FROM (${blocks}) b) cut
      )`,
  };
}

/** The response of the nearest message before this one that belongs to any, as far as the density shows it. */
export async function findResponseBefore(
  sql: Sql,
  { density, scope }: Pick<PageOfMessages, "density" | "scope">,
  place: MessagePlace,
): Promise<string | null> {
  const isShownMessage = density === "full" ? sql`` : sql`AND (m.has_text OR m.has_tool_use)`;
  const [row] = await sql<{ response_key: string }[]>`
    SELECT m.response_key FROM transcript_messages m
    WHERE ${inScope(sql, scope)} AND m.response_key IS NOT NULL ${isShownMessage}
      ${beyond(sql, { place, direction: "before" })}
    ORDER BY ${inOrder(sql, true)} LIMIT 1`;
  return row?.response_key ?? null;
}

/** The id of a subagent by its id or agent id; null: the session has no such subagent. */
export async function findSubagentId(sql: Sql, session_id: string, id: string): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM subagents WHERE session_id = ${session_id} AND (id = ${id} OR agent_id = ${id})
    ORDER BY (id = ${id}) DESC LIMIT 1`;
  return row?.id ?? null;
}

/** The place of a message, and the subagent that it belongs to. */
export async function findMessagePlace(
  sql: Sql,
  session_id: string,
  id: string,
): Promise<(MessagePlace & { subagent_id: string | null }) | null> {
  const [row] = await sql<(MessagePlace & { subagent_id: string | null })[]>`
    SELECT sorted_at, ordinal, id, subagent_id FROM transcript_messages WHERE id = ${id} AND session_id = ${session_id}`;
  return row ?? null;
}
