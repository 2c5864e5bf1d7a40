import type { TestServer } from "../../__tests__/setup-app.ts";

/** The matches of each git activity in the order of their times, as `session grade`. */
export async function matchRows(
  server: Pick<TestServer, "sql">,
  id: string | null = null,
): Promise<string[][]> {
  const rows = await server.sql<{ matches: string[] }[]>`
    SELECT ARRAY(
      SELECT session_id || ' ' || grade FROM git_matches WHERE git_activity_id = g.id ORDER BY session_id
    ) AS matches
    FROM git_activity g WHERE ${id === null} OR id = ${id} ORDER BY timestamp, id`;
  return rows.map(({ matches }) => matches);
}

/** The sessions that a commit may belong to by time and place. */
export async function possibleSessions(server: Pick<TestServer, "sql">, id: string): Promise<string[]> {
  const rows = await server.sql<{ session_id: string }[]>`
    SELECT session_id FROM git_matches WHERE git_activity_id = ${id} AND grade = 'possible' ORDER BY session_id`;
  return rows.map(({ session_id }) => session_id);
}
