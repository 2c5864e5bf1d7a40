import type postgres from "postgres";

/** The pids of the backends of this database that wait for a lock. Other files' databases are on the same Postgres, at the same time. */
export async function findLockWaits(sql: postgres.Sql): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return rows.map(({ pid }) => pid);
}
