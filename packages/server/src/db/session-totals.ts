import type { Sql } from "./postgres.ts";

/**
 * The columns of SessionTotals, over those rows of session_totals that have been joined as `t`; its last_session_at apart.
 * Counts are added up as integers, because a sum of BIGINT is a NUMERIC, which takes four times as long.
 */
export function sumOfTotals(sql: Sql) {
  return sql`
    coalesce(sum(t.session_count::int), 0) AS session_count,
    coalesce(sum(t.active_session_count::int), 0) AS active_session_count,
    coalesce(sum(t.total_cost_usd), 0) AS total_cost_usd,
    coalesce(sum(t.total_duration_ms), 0) AS total_duration_ms,
    coalesce(sum(t.total_tokens_in), 0) AS total_tokens_in,
    coalesce(sum(t.total_tokens_out), 0) AS total_tokens_out`;
}

/** The names of those columns, of a relation `t` that may have no row. */
export function totalsOrZero(sql: Sql) {
  return sql`
    coalesce(t.session_count, 0) AS session_count,
    coalesce(t.active_session_count, 0) AS active_session_count,
    coalesce(t.total_cost_usd, 0) AS total_cost_usd,
    coalesce(t.total_duration_ms, 0) AS total_duration_ms,
    coalesce(t.total_tokens_in, 0) AS total_tokens_in,
    coalesce(t.total_tokens_out, 0) AS total_tokens_out`;
}
