import type { Sql } from "../postgres.ts";
import { readDatabaseBytes, readTableSizes } from "../reads/storage.ts";

const SAMPLES_DAYS_MAX = 400;

/** Keeps the first sample of each day. */
export async function sampleStorage(sql: Sql): Promise<void> {
  const tables = Object.fromEntries((await readTableSizes(sql)).map(({ name, bytes }) => [name, bytes]));
  const bytes = await readDatabaseBytes(sql);
  await sql`
    WITH outdated AS (DELETE FROM storage_samples WHERE day < current_date - ${SAMPLES_DAYS_MAX}::integer)
    INSERT INTO storage_samples (day, bytes, tables)
    VALUES ((now() AT TIME ZONE 'UTC')::date, ${bytes}, ${JSON.stringify(tables)}::text::jsonb)
    ON CONFLICT (day) DO NOTHING`;
}
