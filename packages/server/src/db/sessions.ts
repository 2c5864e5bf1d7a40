import type { Sql } from "./postgres.ts";

/** One session with its workspace's and device's names, or null. */
export async function findSession(sql: Sql, id: string): Promise<object | null> {
  const [row] = await sql`
    SELECT s.*, w.canonical_id AS workspace_canonical_id, w.display_name AS workspace_name, d.name AS device_name
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id JOIN devices d ON d.id = s.device_id
    WHERE s.id = ${id}`;
  return row ?? null;
}

/** The device whose session it is, or null where there is no such session. */
export async function findSessionDevice(sql: Sql, id: string): Promise<string | null> {
  const [row] = await sql<{ device_id: string }[]>`SELECT device_id FROM sessions WHERE id = ${id}`;
  return row?.device_id ?? null;
}
