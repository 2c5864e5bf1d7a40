import type { Database } from "../db/database.ts";
import { readCallFacts, readFileFacts } from "../db/transcripts/facts/read-calls.ts";
import { readFirstPrompt, readLastMessage, readMessageFacts } from "../db/transcripts/facts/read-messages.ts";
import { readResponseFacts, writeSubagentTotals } from "../db/transcripts/facts/read-responses.ts";
import { readStated } from "../db/transcripts/facts/read-stated.ts";
import { writeSessionFacts } from "../db/transcripts/facts/write-facts.ts";
import { refreshLiveStates } from "../ingest/refresh-live-states.ts";
import { describeSession } from "./describe-session.ts";

/** Derives what the rows of a session's transcripts amount to. Repeating it changes nothing. */
export async function deriveFacts(database: Database, session_id: string): Promise<void> {
  const facts = {
    stated: await database.run((sql) => readStated(sql, session_id)),
    messages: await database.run((sql) => readMessageFacts(sql, session_id)),
    last_message: await database.run((sql) => readLastMessage(sql, session_id)),
    prompt: await database.run((sql) => readFirstPrompt(sql, session_id)),
    calls: await database.run((sql) => readCallFacts(sql, session_id)),
    files: await database.run((sql) => readFileFacts(sql, session_id)),
    responses: await database.run((sql) => readResponseFacts(sql, session_id)),
  };
  await database.run((sql) => writeSubagentTotals(sql, session_id));
  await database.run((sql) => writeSessionFacts(sql, session_id, describeSession(facts)));
  await refreshLiveStates(database, [session_id]);
}
