import { canonicalWorkspaceId } from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import { placeSession } from "../db/transcripts/facts/place-session.ts";
import { readCallFacts, readFileFacts } from "../db/transcripts/facts/read-calls.ts";
import {
  readFirstPrompt,
  readLastMessage,
  readLastPrompt,
  readMessageFacts,
  readStart,
} from "../db/transcripts/facts/read-messages.ts";
import { readResponseFacts, writeSubagentFacts } from "../db/transcripts/facts/read-responses.ts";
import { readStated } from "../db/transcripts/facts/read-stated.ts";
import { writeSessionFacts } from "../db/transcripts/facts/write-facts.ts";
import { writeStatement } from "../db/transcripts/facts/write-statement.ts";
import { refreshLiveStates } from "../ingest/refresh-live-states.ts";
import { refresh } from "../ingest/refresh-sessions.ts";
import { describeSession, type SessionFacts } from "./describe-session.ts";

/** Derives what the rows of a session's transcripts amount to; its git activity has to be matched afterwards. Repeating it changes nothing. */
export async function deriveFacts(database: Database, session_id: string): Promise<void> {
  const facts = {
    stated: await database.run((sql) => readStated(sql, session_id)),
    messages: await database.run((sql) => readMessageFacts(sql, session_id)),
    last_message: await database.run((sql) => readLastMessage(sql, session_id)),
    prompt: await database.run((sql) => readFirstPrompt(sql, session_id)),
    last_prompt: await database.run((sql) => readLastPrompt(sql, session_id)),
    calls: await database.run((sql) => readCallFacts(sql, session_id)),
    files: await database.run((sql) => readFileFacts(sql, session_id)),
    responses: await database.run((sql) => readResponseFacts(sql, session_id)),
  };
  await database.run((sql) => writeSubagentFacts(sql, session_id));
  await database.run((sql) => writeSessionFacts(sql, session_id, describeSession(facts)));
  await stateStart(database, session_id, facts);
  await refreshLiveStates(database, [session_id]);
}

/** The files of the session's own device fill what events, reports and backfills leave open. */
async function stateStart(
  database: Database,
  session_id: string,
  { stated, prompt, responses }: SessionFacts,
): Promise<void> {
  const { own_device, branch, cwd, version, remote } = stated;
  if (own_device === null) return;
  const first_at = await database.run((sql) => readStart(sql, session_id));
  if (first_at === null) return;
  const workspace = remote === null ? null : canonicalWorkspaceId(remote);
  if (workspace !== null) await database.run((sql) => placeSession(sql, session_id, workspace));
  const model = responses.own_model;
  const statement = { first_at, branch, cwd, version, model, initial_prompt: prompt };
  const isOutdated = await database.run((sql) => writeStatement(sql, session_id, own_device, statement));
  if (isOutdated) await refresh(database, [session_id]);
}
