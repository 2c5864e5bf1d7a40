import type { Sql } from "./postgres.ts";

/** Of these events, those that are stored, and whether the stored body is another one. `events` as in FlushInput. */
export async function compareWithStored(
  sql: Sql,
  events: string,
): Promise<{ id: string; differs: boolean }[]> {
  return await sql<{ id: string; differs: boolean }[]>`
    SELECT known.id, (known.type, known.data) IS DISTINCT FROM (sent.type, sent.data) AS differs
    FROM jsonb_to_recordset((${events}::text)::jsonb) AS sent (id text, type text, data jsonb)
    JOIN events known ON known.id = sent.id`;
}
