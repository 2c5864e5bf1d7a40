import type { Sql } from "../postgres.ts";

/** The names of these devices by their ids. */
export async function readDeviceNames(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<{ id: string; name: string }[]>`
    SELECT id, name FROM devices WHERE id = ANY (${[...ids]}::text[])`;
  return new Map(rows.map(({ id, name }) => [id, name]));
}
