import { addTokens, type DocumentRow, replaceDocuments } from "../db/search/write-documents.ts";
import type { Query } from "../db/transcripts/query.ts";
import { vectorOf } from "./document-vector.ts";
import { documentsOf, type IndexedBlock, type IndexedMessage } from "./documents-of-blocks.ts";

export type WrittenMessages = { messages: readonly IndexedMessage[]; blocks: readonly IndexedBlock[] };

/**
 * Writes what is searched of these messages, with all of their blocks, in the transaction that writes them: their rows, and that of
 * their file and session, are there already. Repeating it changes nothing. Once in a transaction, so that two transactions do
 * not wait for each other's tokens in a circle.
 */
export async function writeDocuments(query: Query, { messages, blocks }: WrittenMessages): Promise<void> {
  const tokens = new Set<string>();
  const rows = documentsOf(messages, blocks).map(
    ({ message_id, block, kind, text, filters }): DocumentRow => {
      const vector = vectorOf(text, kind, filters);
      for (const token of vector.tokens) tokens.add(token);
      return { message_id, block, kind, tsv: vector.literal };
    },
  );
  await replaceDocuments(
    query,
    messages.map(({ id }) => id),
    rows,
  );
  await addTokens(query, [...tokens]);
}
