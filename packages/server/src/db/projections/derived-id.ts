import type { Fragment, Sql } from "../postgres.ts";

/**
 * The id of a row, derived from its parts: the same for any order of arrival, without a lookup.
 * As JSON the parts cannot run into each other.
 */
export function derivedId(sql: Sql, ...parts: Fragment[]): Fragment {
  const list = parts.reduce((left, right) => sql`${left}, ${right}`);
  return sql`md5(jsonb_build_array(${list})::text)`;
}
