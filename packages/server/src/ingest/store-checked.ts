import { storableText } from "@wharf/job-runner";
import type { Database } from "../db/database.ts";
import type { IngestNote } from "../db/ingest/ingest-notes.ts";
import { type CheckedEvent, isRejection, type Rejection, sizeOfEvent } from "./check-event.ts";
import { keptText } from "./kept-body.ts";
import { portionsOf } from "./portions.ts";
import { saveNotes } from "./save-notes.ts";
import type { FlushOutcome } from "./writer.ts";

/** What the write queue holds: an event to be stored, or a rejection of which a note is kept. */
export type Checked = CheckedEvent | Rejection;

/** Of one statement: to write out and send 32 MB at once keeps other requests waiting for a quarter of a second. */
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;

type StoreOptions = {
  /** Stores events; answers with one outcome an event, in order, after the commit. */
  flush: (events: readonly CheckedEvent[]) => Promise<FlushOutcome[]>;
  /** Events that their workspace would not keep any longer. They are answered as duplicates, so that they are not sent again. */
  isExpired: (event: CheckedEvent) => boolean;
  /** For the notes. */
  database: Database;
};

/** Stores the events of many requests and then notes what is rejected, by its check or by the database. As `flush`, it may throw. */
export function createStore({ flush, isExpired, database }: StoreOptions) {
  return async function store(items: readonly Checked[]): Promise<FlushOutcome[]> {
    // Looked at once: while the flush runs, an event may expire, and a retention change.
    const expired = new Set(items.filter((item) => !isRejection(item) && isExpired(item)));
    const isStored = (item: Checked): item is CheckedEvent => !isRejection(item) && !expired.has(item);
    const events = items.filter(isStored);
    const stored: FlushOutcome[] = [];
    for (const portion of portionsOf(events, sizeOfEvent, STATEMENT_BYTES_MAX))
      stored.push(...(await flush(portion)));
    const notes: IngestNote[] = [];
    let position = 0;
    const outcomes = items.map((item): FlushOutcome => {
      if (isRejection(item)) {
        notes.push(noteOf(item));
        return { status: "rejected", error: item.error };
      }
      if (expired.has(item)) return { status: "duplicate" };
      const outcome = stored[position++];
      if (outcome === undefined) throw new Error("a flush answered with fewer outcomes than events");
      if (outcome.status === "rejected") notes.push(noteOf(rejectionOf(item, outcome.error)));
      return outcome;
    });
    await saveNotes(database, notes);
    return outcomes;
  };
}

/** Roughly how many bytes an item takes while it waits to be written. */
export function sizeOfChecked(item: Checked): number {
  if (!isRejection(item)) return sizeOfEvent(item);
  return item.error.length + (item.pointer?.length ?? 0) + (item.body?.length ?? 0);
}

function rejectionOf({ id, device_id, session_id, data }: CheckedEvent, error: string): Rejection {
  return { id, device_id, session_id, error, body: keptText(data) };
}

function noteOf({ id, device_id, session_id, error, pointer, body }: Rejection): IngestNote {
  const detail = pointer === undefined ? error : `${pointer}: ${error}`;
  return {
    event_id: id,
    device_id,
    session_id,
    kind: "rejected",
    detail: storableText(detail),
    body: body === null ? null : storableText(body),
  };
}
