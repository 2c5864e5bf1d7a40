import type { Database } from "../db/database.ts";
import { findPassingStates, readLiveFacts, writeLiveStates } from "../db/projections/live-states.ts";
import { liveStateOf, STALE_CALL_MS } from "../transcripts/live-state.ts";

const SESSIONS_PER_STATEMENT = 500;

/** Derives the live states of these sessions from their events, ends and transcripts. Repeating it changes nothing. */
export async function refreshLiveStates(database: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const known = await database.run((sql) => readLiveFacts(sql, ids));
  const states = known.map(({ id, now_ms, ...facts }) => {
    const live = liveStateOf(facts, now_ms);
    return { id, state: live?.state ?? null, reason: live?.reason ?? null, since_ms: live?.since_ms ?? null };
  });
  await database.run((sql) => writeLiveStates(sql, states));
}

/** Derives the states that time alone may have changed, and those of sessions that ended. Answers with the number of sessions read. */
export async function refreshPassingStates(database: Database, signal?: AbortSignal): Promise<number> {
  let read = 0;
  for (let last = ""; ; ) {
    signal?.throwIfAborted();
    const after = last;
    const ids = await database.run((sql) =>
      findPassingStates(sql, STALE_CALL_MS, after, SESSIONS_PER_STATEMENT),
    );
    await refreshLiveStates(database, ids);
    read += ids.length;
    last = ids.at(-1) ?? "";
    if (ids.length < SESSIONS_PER_STATEMENT) return read;
  }
}
