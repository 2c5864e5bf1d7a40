import { openConnection } from "../db/connection.ts";
import type { Database } from "../db/database.ts";
import {
  deleteUnusedTokens,
  lastQueued,
  moveDocuments,
  readSessionsToIndex,
  replaceSessionDocuments,
  takeQueued,
} from "../db/search/session-documents.ts";
import { addTokens } from "../db/search/write-documents.ts";
import { transaction } from "../db/transaction.ts";
import { vectorOf } from "./document-vector.ts";
import { filterLexeme } from "./lexemes.ts";

/** Changes of one transaction: its texts are in memory. */
const CHANGES_AT_ONCE = 100;
const TOKENS_AT_ONCE = 1_000;

/**
 * Writes the documents of the sessions that are queued now: title, summary and commits. Those that change meanwhile are left to the next
 * run: under load, each change would write all commits of its session again. Each transaction takes sessions from the queue and writes
 * them: a failed one leaves the queue as it was. Answers with the number of sessions.
 */
export async function indexSessions(database: Database, signal?: AbortSignal): Promise<number> {
  const last = await database.run(lastQueued);
  for (let indexed = 0; ; ) {
    if (signal?.aborted === true) return indexed;
    const taken = await database.run((sql) => indexSome(sql, last));
    indexed += taken;
    if (taken === 0) return indexed;
  }
}

async function indexSome(sql: Parameters<Parameters<Database["run"]>[0]>[0], last: string): Promise<number> {
  return await transaction(sql, async ({ query }) => {
    const ids = await takeQueued(query, last, CHANGES_AT_ONCE);
    if (ids.length === 0) return 0;
    const tokens = new Set<string>();
    const documents = (await readSessionsToIndex(query, ids)).map(({ text, ...document }) => {
      const { kind } = document;
      const vector = vectorOf(text, kind, [filterLexeme("is", kind)]);
      for (const token of vector.tokens) tokens.add(token);
      return { ...document, tsv: vector.literal };
    });
    await replaceSessionDocuments(query, ids, documents);
    await moveDocuments(query, ids);
    await addTokens(query, [...tokens]);
    return ids.length;
  });
}

/** Deletes words from the close spellings that no document has any more, such as those of deleted sessions. */
export async function pruneTokens(database: Database, signal?: AbortSignal): Promise<void> {
  for (let last: string | null = ""; last !== null && signal?.aborted !== true; ) {
    const after: string = last;
    last = await database.run(async (sql) => {
      const connection = openConnection(sql);
      try {
        return await deleteUnusedTokens(connection.query, after, TOKENS_AT_ONCE);
      } finally {
        await connection.close();
      }
    });
  }
}
