import type { Fragment, Sql } from "./postgres.ts";

/** A time within JSON that Postgres makes, as wire-types.ts writes one that is a column. */
export function wireTime(sql: Sql, time: Fragment): Fragment {
  return sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
