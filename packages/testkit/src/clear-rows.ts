import type postgres from "postgres";

const KEPT_TABLES = ["_migrations"];

/**
 * Deletes the rows of every table in schema public, but for `_migrations` and `except`.
 * All of it is one statement: foreign keys are checked at its end, when parents and children are both gone, so that no order is needed and
 * no right to switch the checks off. It runs twice, the second time for rows that triggers have added.
 * DELETE, for TRUNCATE takes heavier locks and 100 times as long on empty tables (13 ms against 0.1 ms).
 */
export async function clearRows(sql: postgres.Sql, except: string[] = []): Promise<void> {
  const [row] = await sql<{ deletes: string | null }[]>`
    SELECT string_agg(format('%I AS (DELETE FROM public.%I)', 'clear_' || oid, relname), ', ') AS deletes
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
      AND relkind IN ('r', 'p')
      AND NOT relispartition
      AND relname <> ALL (${[...KEPT_TABLES, ...except]})`;
  if (!row?.deletes) return;
  for (let run = 1; run <= 2; run++) await sql.unsafe(`WITH ${row.deletes} SELECT`);
}
