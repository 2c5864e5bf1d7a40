import type { ContentBlock, TranscriptBlock, TranscriptDensity } from "@wharf/protocol";
import type { Fragment, Sql } from "../../postgres.ts";
import { type Listed, withinPageBytes } from "../page-bytes.ts";
import { callOfBlock } from "./calls.ts";

/** Of one message on a page; opencode puts all parts of a response into one message. */
export const BLOCKS_PER_MESSAGE_MAX = 100;
/** Of each text of a block on a page. */
export const TEXT_CHARACTERS_MAX = 16 * 1024;
/** An input that is longer has each of its first fields cut. */
const INPUT_FIELD_CHARACTERS_MAX = 4 * 1024;
const INPUT_FIELDS_MAX = 20;

const TEXTS = ["content_text", "thinking_text", "result_text"];
const COLUMNS = [
  "id",
  "block_order",
  "block_type",
  ...TEXTS,
  "tool_name",
  "tool_use_id",
  "tool_input",
  "tool_result_id",
  "is_error",
  "result_s3_key",
  "metadata",
];

/** The blocks of message `message_id` that a density shows, up to BLOCKS_PER_MESSAGE_MAX. */
export function shownBlocks(sql: Sql, density: TranscriptDensity, message_id: Fragment): Fragment {
  return sql`
    SELECT b.* FROM content_blocks b WHERE b.message_id = ${message_id} ${isShown(sql, density)}
    ORDER BY b.block_order, b.id LIMIT ${BLOCKS_PER_MESSAGE_MAX}`;
}

export function isShown(sql: Sql, density: TranscriptDensity): Fragment {
  if (density === "full") return sql``;
  const calls = density === "steps" ? sql`, 'tool_use'` : sql``;
  return sql`AND b.block_type IN ('text', 'image', 'document'${calls})`;
}

/** Block `b` as a page shows it. */
export function cutBlock(sql: Sql, density: TranscriptDensity): Fragment {
  const texts = TEXTS.map((text) => sql`left(${sql(`b.${text}`)}, ${TEXT_CHARACTERS_MAX}) AS ${sql(text)}`);
  const isTextCut = TEXTS.map(
    (text) => sql`coalesce(char_length(${sql(`b.${text}`)}) > ${TEXT_CHARACTERS_MAX}, false)`,
  );
  const others = COLUMNS.filter((column) => !TEXTS.includes(column) && column !== "tool_input");
  const hidesInput = density === "steps";
  return sql`
    ${sql(others.map((column) => `b.${column}`))}, ${joined(sql, texts, sql`, `)},
    ${hidesInput ? sql`NULL::jsonb` : cutInput(sql)} AS tool_input,
    ${joined(sql, isTextCut, sql` OR `)} OR ${isInputLong(sql)} AS is_cut`;
}

function isInputLong(sql: Sql): Fragment {
  return sql`coalesce(octet_length(b.tool_input::text) > ${TEXT_CHARACTERS_MAX}, false)`;
}

function cutInput(sql: Sql): Fragment {
  const cut = (json: Fragment) => sql`to_jsonb(left(${json} #>> '{}', ${INPUT_FIELD_CHARACTERS_MAX}))`;
  return sql`
    CASE WHEN NOT ${isInputLong(sql)} THEN b.tool_input
      WHEN jsonb_typeof(b.tool_input) = 'object' THEN (
        SELECT jsonb_object_agg(key, CASE WHEN octet_length(value::text) > ${INPUT_FIELD_CHARACTERS_MAX} THEN ${cut(sql`value`)} ELSE value END)
        FROM (SELECT * FROM jsonb_each(b.tool_input) LIMIT ${INPUT_FIELDS_MAX}) AS fields
      )
      ELSE ${cut(sql`b.tool_input`)} END`;
}

function joined(sql: Sql, parts: readonly Fragment[], separator: Fragment): Fragment {
  return parts.reduce((left, right) => sql`${left}${separator}${right}`);
}

export type BlockOfMessage = TranscriptBlock & { message_id: string };

/** The blocks of these messages as a page shows them, in their order. */
export async function findBlocks(
  sql: Sql,
  density: TranscriptDensity,
  messageIds: readonly string[],
): Promise<BlockOfMessage[]> {
  return await sql<BlockOfMessage[]>`
    SELECT b.message_id, ${cutBlock(sql, density)}, ${callOfBlock(sql)} AS call
    FROM unnest(${[...messageIds]}::text[]) WITH ORDINALITY AS page (message_id, nth)
    CROSS JOIN LATERAL (${shownBlocks(sql, density, sql`page.message_id`)}) b
    ORDER BY page.nth, b.block_order, b.id`;
}

/** The last block of the page before. */
export type BlockPosition = readonly [block_order: number, id: string] | null;

/** A message's blocks with their whole texts. */
export async function listBlocks(
  sql: Sql,
  messageId: string,
  position: BlockPosition,
  limit: number,
): Promise<Listed<ContentBlock>[]> {
  const found = sql`
    SELECT b.* FROM content_blocks b WHERE b.message_id = ${messageId}
      ${position === null ? sql`` : sql`AND (b.block_order, b.id) > (${position[0]}::integer, ${position[1]})`}
    ORDER BY b.block_order, b.id LIMIT ${limit}`;
  const large = { text: TEXTS, json: ["tool_input", "metadata"] };
  return await sql<Listed<ContentBlock>[]>`
    SELECT ${sql(COLUMNS)}, false AS is_cut, page_is_full
    FROM (${withinPageBytes(sql, found, sql`block_order, id`, large)}) page ORDER BY block_order, id`;
}
