import type { SessionDetail, TranscriptMessage } from "@wharf/protocol";
import type { Database } from "../../db/database.ts";
import { withStoredJson } from "../../json/stored-json.ts";
import { messagesOf, wholeBlocks } from "./messages-of-session.ts";

/** `{ session, messages, subagents: [{ subagent_id, messages }] }`, each message with all of its blocks. */
export async function* exportJson(database: Database, session: SessionDetail): AsyncGenerator<string> {
  const { id: session_id } = session;
  yield `{"session":${toJson(session)},\n"messages":[`;
  yield* messageTexts(database, session_id, null);
  yield '],\n"subagents":[';
  for (const [index, { id }] of session.subagents.entries()) {
    yield `${index === 0 ? "" : ","}\n{"subagent_id":${toJson(id)},"messages":[`;
    yield* messageTexts(database, session_id, id);
    yield "]}";
  }
  yield "]}\n";
}

async function* messageTexts(
  database: Database,
  session_id: string,
  subagent_id: string | null,
): AsyncGenerator<string> {
  let separator = "\n";
  for await (const message of messagesOf(database, { session_id, subagent_id }, "full")) {
    yield separator + beginningOf(message);
    let isFirst = true;
    for await (const { page_is_full: _, is_cut: __, ...block } of wholeBlocks(database, message)) {
      yield (isFirst ? "" : ",") + toJson(block);
      isFirst = false;
    }
    yield "]}";
    separator = ",\n";
  }
}

/** All but its blocks, up to where they begin. */
function beginningOf({ content_blocks: _, blocks_left_out: __, ...message }: TranscriptMessage): string {
  return `${toJson(message).slice(0, -1)},"content_blocks":[`;
}

function toJson(value: unknown): string {
  return withStoredJson(JSON.stringify(value));
}
