import type { Database } from "../db/database.ts";
import { type IngestNote, insertNotes } from "../db/ingest-notes.ts";

/** Of one statement: notes of a thousand rejected events with 64 KB each would else make one of 64 MB. */
const STATEMENT_CHARACTERS_MAX = 1024 * 1024;
/** What a note takes beside its detail and body. */
const NOTE_CHARACTERS = 200;

/** Stores notes, in their order, by statements of about a megabyte. */
export async function saveNotes(database: Database, notes: readonly IngestNote[]): Promise<void> {
  for (const batch of batchesOf(notes)) await database.run((sql) => insertNotes(sql, batch));
}

function* batchesOf(notes: readonly IngestNote[]): Generator<IngestNote[]> {
  let batch: IngestNote[] = [];
  let characters = 0;
  for (const note of notes) {
    const more = NOTE_CHARACTERS + (note.detail?.length ?? 0) + (note.body?.length ?? 0);
    if (batch.length > 0 && characters + more > STATEMENT_CHARACTERS_MAX) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(note);
    characters += more;
  }
  if (batch.length > 0) yield batch;
}
