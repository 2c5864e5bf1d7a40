import type { Fragment, Sql } from "../postgres.ts";

/** Microseconds since 1970 of a TIMESTAMPTZ: exact, where a double in seconds is not. */
export function microseconds(sql: Sql, instant: Fragment): Fragment {
  return sql`(extract(epoch FROM ${instant}) * 1000000)::bigint`;
}
