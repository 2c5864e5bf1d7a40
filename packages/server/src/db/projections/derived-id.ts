import type { Fragment, Sql } from "../postgres.ts";

/**
 * The id of a row that is known by its parts: the same whichever event comes first, so that nothing has to be looked up.
 * As JSON the parts cannot run into each other.
 */
export function derivedId(sql: Sql, ...parts: Fragment[]): Fragment {
  const list = parts.reduce((left, right) => sql`${left}, ${right}`);
  return sql`md5(jsonb_build_array(${list})::text)`;
}
