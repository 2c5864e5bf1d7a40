import { openConnection } from "../../db/connection.ts";
import type { Sql } from "../../db/postgres.ts";
import type { IndexedBlock, IndexedMessage } from "../documents-of-blocks.ts";
import { writeDocuments } from "../write-documents.ts";

/** Writes the documents of all messages that are stored, as the parse job does with the ones that it writes. */
export async function indexStored(sql: Sql): Promise<void> {
  const messages = await sql<IndexedMessage[]>`SELECT id, kind, model, is_copy FROM transcript_messages`;
  const blocks = await sql<IndexedBlock[]>`
    SELECT message_id, block_order, block_type, content_text, thinking_text, tool_name, tool_input, result_text, is_error
    FROM content_blocks`;
  const connection = openConnection(sql);
  await writeDocuments(connection.query, { messages, blocks });
  await connection.close();
}
