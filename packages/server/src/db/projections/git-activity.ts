import { typesDeriving } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { storedEvents } from "./stored-events.ts";

const INTEGER_MIN = -2_147_483_648;
const INTEGER_MAX = 2_147_483_647;
/** A longer text does not fit into the index, and no commit has such a hash. */
const COMMIT_SHA_CHARACTERS_MAX = 200;

/** Writes the rows of these events. `session_inferred` ones name no session: matchGitActivity looks for it. */
export async function projectGitActivity(sql: Sql, eventIds: readonly string[]): Promise<void> {
  // Only some types have a schema for them: any other value is no figure.
  const integer = (key: string) => sql`
    CASE WHEN jsonb_typeof(data -> ${key}) = 'number'
      THEN greatest(${INTEGER_MIN}, least((data ->> ${key})::numeric, ${INTEGER_MAX}))::int END`;
  await sql`
    WITH ${storedEvents(sql, eventIds)}
    INSERT INTO git_activity (
      id, workspace_id, device_id, session_id, matched_to, session_inferred, type, branch, commit_sha, message,
      files_changed, insertions, deletions, timestamp, data
    )
    SELECT
      id, workspace_id, device_id, session_id, coalesce(session_id, ''), session_id IS NULL, substr(type, length('git.') + 1),
      coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
      left(coalesce(data ->> 'hash', data ->> 'merge_commit'), ${COMMIT_SHA_CHARACTERS_MAX}),
      data ->> 'message',
      ${integer("files_changed")}, ${integer("insertions")}, ${integer("deletions")}, timestamp, data
    FROM stored WHERE type = ANY (${typesDeriving("git")})
    ORDER BY id
    ON CONFLICT (id) DO NOTHING`;
}
