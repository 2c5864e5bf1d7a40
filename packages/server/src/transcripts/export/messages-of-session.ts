import type { ContentBlock, TranscriptDensity, TranscriptMessage } from "@wharf/protocol";
import type { Database } from "../../db/database.ts";
import type { Listed } from "../../db/reads/page-bytes.ts";
import { type BlockPosition, listBlocks } from "../../db/reads/transcripts/blocks.ts";
import type { Scope } from "../../db/reads/transcripts/message-order.ts";
import { type MessagePage, type MessagePosition, readPage } from "../transcript-page.ts";

const MESSAGES_PER_READ = 200;
const BLOCKS_PER_READ = 50;

/** The messages of a session or subagent in their order; a page of them is in memory at a time. Long texts are cut (see wholeBlocks). */
export async function* messagesOf(
  database: Database,
  scope: Scope,
  density: TranscriptDensity,
): AsyncGenerator<TranscriptMessage> {
  let position: MessagePosition | null = null;
  do {
    const from: MessagePosition | null = position;
    const page: MessagePage = await database.run((sql) =>
      readPage(sql, { scope, density, limit: MESSAGES_PER_READ }, from),
    );
    yield* page.messages;
    position = page.next;
  } while (position !== null);
}

/** The message's blocks with their whole texts; read one page at a time where they were cut or left out. */
export async function* wholeBlocks(
  database: Database,
  message: TranscriptMessage,
): AsyncGenerator<ContentBlock> {
  const isWhole = message.blocks_left_out === 0 && message.content_blocks.every(({ is_cut }) => !is_cut);
  if (isWhole) return yield* message.content_blocks;
  let position: BlockPosition = null;
  do {
    const from: BlockPosition = position;
    const blocks: Listed<ContentBlock>[] = await database.run((sql) =>
      listBlocks(sql, message.id, from, BLOCKS_PER_READ),
    );
    yield* blocks;
    const last: Listed<ContentBlock> | undefined = blocks.at(-1);
    const isEnd = blocks.length < BLOCKS_PER_READ && last?.page_is_full !== true;
    position = last === undefined || isEnd ? null : [last.block_order, last.id];
  } while (position !== null);
}
