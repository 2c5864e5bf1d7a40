import type { Sql } from "../postgres.ts";
import { readDatabaseBytes, readTableSizes } from "../reads/storage.ts";

const SAMPLES_DAYS_MAX = 400;

/** Keeps one sample of each day, in UTC. */
export async function sampleStorage(sql: Sql): Promise<void> {
  const tables = Object.fromEntries((await readTableSizes(sql)).map(({ name, bytes }) => [name, bytes]));
  const bytes = await readDatabaseBytes(sql);
  await sql`
    WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day),
    outdated AS (DELETE FROM storage_samples s USING today t WHERE s.day < t.day - ${SAMPLES_DAYS_MAX}::integer)
    INSERT INTO storage_samples (day, bytes, tables) SELECT day, ${bytes}::bigint, ${JSON.stringify(tables)}::text::jsonb FROM today
    ON CONFLICT (day) DO NOTHING`;
}
