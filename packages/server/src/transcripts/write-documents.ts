import type { BlockRow, MessageRow } from "../db/transcripts/parsed-rows.ts";
import type { Query } from "../db/transcripts/query.ts";

/** What a step wrote of a session or of one of its subagents: messages that were there before are written again, with all their blocks. */
export type WrittenMessages = {
  session_id: string;
  subagent_id: string | null;
  messages: readonly MessageRow[];
  blocks: readonly BlockRow[];
};

/** Writes what is searched of these messages, in the transaction that writes them. */
export async function writeDocuments(_query: Query, _written: WrittenMessages): Promise<void> {
  // The search index is not there yet.
}
