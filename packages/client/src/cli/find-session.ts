import type { Client } from "../sdk/create-client.ts";
import { HubError } from "../sdk/hub-error.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { plain } from "./output/text.ts";

const UUID_CHARACTERS = 36;
const PREFIX_CHARACTERS_MIN = 6;
const PAGE_SESSIONS = 1_000;
/** The hub has no search by the beginning of an id: the latest are read, a page at a time. */
const SEARCHED_SESSIONS_MAX = 5_000;
const NAMED_MAX = 5;

/** The id of a session by its id or its beginning. Throws CliError for an unknown or ambiguous one. */
export async function findSessionId(client: Client, typed: string): Promise<string> {
  if (typed.length >= UUID_CHARACTERS) return typed;
  const exact = await client.sessions.get(typed).catch(nullIfUnknown);
  if (exact !== null) return exact.id;
  const found: string[] = [];
  let searched = 0;
  if (typed.length >= PREFIX_CHARACTERS_MIN)
    for await (const { id } of client.sessions.every({ limit: PAGE_SESSIONS })) {
      if (id.startsWith(typed)) found.push(id);
      searched += 1;
      if (searched === SEARCHED_SESSIONS_MAX) break;
    }
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  if (only === undefined)
    throw new CliError(
      `Session not found: "${plain(typed)}". Use its id, or the first ${PREFIX_CHARACTERS_MIN} characters or more. See: wharf sessions`,
      EXIT.failed,
      "NOT_FOUND",
    );
  const ids = found.slice(0, NAMED_MAX).map(plain).join(", ");
  throw new CliError(
    `${found.length} sessions begin with "${plain(typed)}". Use more characters: ${ids}${found.length > NAMED_MAX ? ", …" : ""}`,
    EXIT.usage,
    "SESSION_AMBIGUOUS",
  );
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof HubError && error.status === 404) return null;
  throw error;
}
