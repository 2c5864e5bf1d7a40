import { canonicalWorkspaceId } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** Sessions that touched a file, the last ones first. */
const SESSIONS_OF_FILE_MAX = 5_000;

/** The ids of workspaces with one of these ids, canonical ids (or their last parts), git remotes or names. */
export async function findWorkspaceIds(sql: Sql, names: readonly string[]): Promise<string[]> {
  const lower = names.map((name) => (canonicalWorkspaceId(name) ?? name).toLowerCase());
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM workspaces w
    WHERE id = ANY (${[...names]}::text[]) OR lower(display_name) = ANY (${lower}::text[])
      OR lower(canonical_id) = ANY (${lower}::text[])
      OR EXISTS (SELECT FROM unnest(${lower}::text[]) AS n (name) WHERE right(lower(w.canonical_id), length(name) + 1) = '/' || name)`;
  return rows.map(({ id }) => id);
}

/** The ids of devices with one of these ids or names. */
export async function findDeviceIds(sql: Sql, names: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM devices
    WHERE id = ANY (${[...names]}::text[]) OR lower(name) = ANY (${names.map((name) => name.toLowerCase())}::text[])`;
  return rows.map(({ id }) => id);
}

/** Sessions with a call that reads or writes a file: those of these documents, the newest first. */
export async function findSessionsOfFile(sql: Sql, query: string): Promise<string[]> {
  const rows = await sql<{ session_id: string }[]>`
    SELECT DISTINCT session_id
    FROM search_candidates(${query}::text::tsquery, '{}', NULL, NULL, NULL, ${SESSIONS_OF_FILE_MAX})`;
  return rows.map(({ session_id }) => session_id);
}
