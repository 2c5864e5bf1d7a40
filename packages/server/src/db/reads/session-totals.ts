import type { Fragment, Sql } from "../postgres.ts";

/**
 * The totals of each workspace or device (`parent`) that has a session, as a relation (id, columns of SessionTotals): of
 * those whose id meets `condition`.
 */
export function totalsByParent(sql: Sql, parent: "workspace" | "device", condition: Fragment): Fragment {
  return sql`SELECT * FROM parent_totals WHERE parent = ${parent} AND session_count > 0 AND ${condition}`;
}

/** The names of those columns, of a relation `t` that may have no row. */
export function totalsOrZero(sql: Sql): Fragment {
  return sql`
    coalesce(t.session_count, 0) AS session_count,
    coalesce(t.active_session_count, 0) AS active_session_count,
    coalesce(t.total_cost_usd, 0) AS total_cost_usd,
    coalesce(t.total_duration_ms, 0) AS total_duration_ms,
    coalesce(t.total_tokens_in, 0) AS total_tokens_in,
    coalesce(t.total_tokens_out, 0) AS total_tokens_out`;
}
