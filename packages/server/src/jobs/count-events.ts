import type { Database } from "../db/database.ts";
import { transaction } from "../db/transaction.ts";
import { addEventCounts, recountEvents } from "../db/usage/event-slots.ts";

/** Up to four counts each: about 100 ms. */
const CHANGES_PER_PIECE = 2_000;
const EVENTS_PER_PIECE = 20_000;

/**
 * Adds what flushes and deletions have noted to the counts of events, and counts those of devices that wait for it, in pieces that are
 * each committed: an interrupted run is continued by the next one.
 */
export async function countEvents(
  database: Database,
  signal: AbortSignal,
  eventsPerPiece = EVENTS_PER_PIECE,
): Promise<void> {
  const recount = () =>
    database.run((sql) => transaction(sql, ({ query }) => recountEvents(query, eventsPerPiece)));
  await addAll(database, signal);
  while (!signal.aborted && (await recount())) await addAll(database, signal);
}

async function addAll(database: Database, signal: AbortSignal): Promise<void> {
  const add = () =>
    database.run((sql) => transaction(sql, ({ query }) => addEventCounts(query, CHANGES_PER_PIECE)));
  // Not until none are left: flushes add changes all the time.
  while (!signal.aborted && (await add()) === CHANGES_PER_PIECE);
}
