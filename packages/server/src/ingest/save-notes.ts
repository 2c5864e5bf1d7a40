import type { Database } from "../db/database.ts";
import { type IngestNote, insertNotes } from "../db/ingest/ingest-notes.ts";
import { portionsOf } from "./portions.ts";

/** Of one statement: notes of a thousand rejected events with 64 KB each would else make one of 64 MB. */
const STATEMENT_CHARACTERS_MAX = 1024 * 1024;
/** The size of a note without its detail and body. */
const NOTE_CHARACTERS = 200;

/** Stores notes, in their order, by statements of about a megabyte. */
export async function saveNotes(database: Database, notes: readonly IngestNote[]): Promise<void> {
  for (const portion of portionsOf(notes, sizeOfNote, STATEMENT_CHARACTERS_MAX))
    await database.run((sql) => insertNotes(sql, portion));
}

function sizeOfNote({ detail, body }: IngestNote): number {
  return NOTE_CHARACTERS + (detail?.length ?? 0) + (body?.length ?? 0);
}
