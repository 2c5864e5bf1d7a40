import { fieldsAsJson, type JsonText, joinJson } from "./json-rows.ts";
import type { Sql } from "./postgres.ts";
import type { Fragment } from "./session-facts.ts";

/** Git activity as it goes out, with what a page is put together by. */
export type GitRow = { id: string; session_id: string | null; timestamp: string; json: JsonText };

/** The rows of git_activity that `selected` gives, oldest first. */
export async function listGitRows(sql: Sql, selected: Fragment): Promise<GitRow[]> {
  const rows = await sql<{ id: string; session_id: string | null; timestamp: string; fields: string }[]>`
    SELECT g.id, g.session_id, g.timestamp, ${gitFields(sql)} FROM (${selected}) g ORDER BY g.timestamp, g.id`;
  return rows.map(({ id, session_id, timestamp, fields }) => ({
    id,
    session_id,
    timestamp,
    json: joinJson({ timestamp }, fields),
  }));
}

/** Of a row of git_activity as `g`: all but its time. */
export function gitFields(sql: Sql): Fragment {
  return fieldsAsJson(
    sql,
    sql`
      g.id, g.workspace_id, g.device_id, g.session_id, g.session_inferred, g.type, g.branch, g.commit_sha, g.message,
      g.files_changed, g.insertions, g.deletions, g.data`,
  );
}
