import type { TranscriptDensity, TranscriptMessage } from "@wharf/protocol";
import type { Sql } from "../db/postgres.ts";
import type { Listed } from "../db/reads/page-bytes.ts";
import { findBlocks } from "../db/reads/transcripts/blocks.ts";
import type { MessagePlace, PageStart, Scope } from "../db/reads/transcripts/message-order.ts";
import { findResponseBefore, listMessages, type MessageRow } from "../db/reads/transcripts/messages.ts";

/** Where a page begins, as its cursor has it. */
export type MessagePosition = MessagePlace & { direction: "after" | "before" };

/** What a page shows of which messages. */
export type Reading = { density: TranscriptDensity; scope: Scope; limit: number };

export type MessagePage = {
  messages: TranscriptMessage[];
  /** Null: no messages before or behind the page. */
  previous: MessagePosition | null;
  next: MessagePosition | null;
};

type Part = { rows: MessageRow[]; hasMore: boolean };

/** The page behind or before a position; the first page without one. */
export async function readPage(
  sql: Sql,
  reading: Reading,
  position: MessagePosition | null,
): Promise<MessagePage> {
  const start = position === null ? null : startOf(position);
  const { rows, hasMore } = await readPart(sql, reading, start);
  if (start?.direction === "before") return await finish(sql, reading, rows.toReversed(), hasMore, true);
  return await finish(sql, reading, rows, start !== null, hasMore);
}

/** The last page. */
export async function readEnd(sql: Sql, reading: Reading): Promise<MessagePage> {
  const { rows, hasMore } = await readPart(sql, reading, { place: END, direction: "before" });
  return await finish(sql, reading, rows.toReversed(), hasMore, false);
}

const END: MessagePlace = { sorted_at: "infinity", ordinal: 0, id: "" };

/** The page with this place in its middle. */
export async function readAround(sql: Sql, reading: Reading, place: MessagePlace): Promise<MessagePage> {
  const before = Math.floor((reading.limit - 1) / 2);
  const at = { ...reading, limit: reading.limit - before };
  const [behind, ahead] = await Promise.all([
    readPart(sql, { ...reading, limit: before }, { place, direction: "before" }),
    readPart(sql, at, { place, direction: "at" }),
  ]);
  const rows = [...behind.rows.toReversed(), ...ahead.rows];
  return await finish(sql, reading, rows, behind.hasMore, ahead.hasMore);
}

function startOf({ direction, ...place }: MessagePosition): PageStart {
  return { place, direction };
}

async function readPart(
  sql: Sql,
  { density, scope, limit }: Reading,
  start: PageStart | null,
): Promise<Part> {
  const found: Listed<MessageRow>[] = await listMessages(sql, { density, scope, start, limit: limit + 1 });
  const rows = found.slice(0, limit);
  return { rows, hasMore: found.length > limit || rows.at(-1)?.page_is_full === true };
}

async function finish(
  sql: Sql,
  reading: Reading,
  rows: readonly MessageRow[],
  hasPrevious: boolean,
  hasNext: boolean,
): Promise<MessagePage> {
  const [first] = rows;
  const last = rows.at(-1);
  const hasResponse = rows.some(({ response_key }) => response_key !== null);
  const [blocks, shown] = await Promise.all([
    findBlocks(
      sql,
      reading.density,
      rows.map(({ id }) => id),
    ),
    first !== undefined && hasResponse ? findResponseBefore(sql, reading, first) : null,
  ]);
  const blocksOf = Map.groupBy(blocks, ({ message_id }) => message_id);
  const seen = new Set([shown]);
  const messages = rows.map((row): TranscriptMessage => {
    const { sorted_at: _, ordinal: __, page_is_full: ___, ...message } = row;
    const content_blocks = (blocksOf.get(row.id) ?? []).map(({ message_id: ____, ...block }) => block);
    const isShown = row.response_key !== null && seen.has(row.response_key);
    seen.add(row.response_key);
    return { ...message, ...(isShown ? NO_TOKENS : {}), content_blocks };
  });
  return {
    messages,
    previous: hasPrevious && first !== undefined ? positionOf(first, "before") : null,
    next: hasNext && last !== undefined ? positionOf(last, "after") : null,
  };
}

/** A response's tokens are on the first of its messages alone, so that a sum over messages is right. */
const NO_TOKENS = {
  tokens_in: null,
  tokens_out: null,
  cache_read: null,
  cache_write: null,
  reasoning_tokens: null,
  cost_usd: null,
  cost_is_partial: null,
  is_lower_bound: null,
};

function positionOf(
  { sorted_at, ordinal, id }: MessageRow,
  direction: MessagePosition["direction"],
): MessagePosition {
  return { direction, sorted_at, ordinal, id };
}
