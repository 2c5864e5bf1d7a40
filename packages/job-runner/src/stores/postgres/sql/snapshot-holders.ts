import type { SnapshotHolder } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Query } from "./fragments.ts";

const HOLDERS_MAX = 20;
/** A slot has no time: it counts after this number of transactions since its snapshot. */
const SLOT_AGE_TRANSACTIONS = 100_000;

/**
 * What has kept dead rows for longer than `olderThanMs`, oldest snapshot first. Backends of other roles are visible only to a
 * role that may read all statistics.
 */
export function snapshotHolders(sql: PostgresClient, olderThanMs: number): Query<SnapshotHolder[]> {
  return sql<SnapshotHolder[]>`
    SELECT * FROM (
      SELECT 'backend' AS kind, pid::text AS name, application_name AS application,
        date_part('epoch', now() - xact_start) * 1000 AS "ageMs",
        age(COALESCE(backend_xmin, backend_xid)) AS "ageTransactions"
      FROM pg_stat_activity
      WHERE COALESCE(backend_xmin, backend_xid) IS NOT NULL AND backend_type <> 'autovacuum worker'
        AND (datname = current_database() OR datname IS NULL)
        AND xact_start < now() - ${olderThanMs}::float8 * interval '1 millisecond'
      UNION ALL
      SELECT 'prepared_transaction', gid, NULL, date_part('epoch', now() - prepared) * 1000, age(transaction)
      FROM pg_prepared_xacts
      WHERE database = current_database() AND prepared < now() - ${olderThanMs}::float8 * interval '1 millisecond'
      UNION ALL
      SELECT 'replication_slot', slot_name::text, NULL, NULL, age(xmin) FROM pg_replication_slots
      WHERE xmin IS NOT NULL AND age(xmin) > ${SLOT_AGE_TRANSACTIONS}::integer
    ) AS holder ORDER BY "ageTransactions" DESC LIMIT ${HOLDERS_MAX}`;
}
