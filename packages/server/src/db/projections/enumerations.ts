import { OTHER } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

/** The value, if it is one of its enumeration's; `other` for a newer client's value, which the event keeps. Null stays null. */
export function knownOrOther(sql: Sql, value: Fragment, known: readonly string[]): Fragment {
  return sql`CASE WHEN ${value} = ANY (${known}::text[]) THEN ${value} WHEN ${value} IS NOT NULL THEN ${OTHER}::text END`;
}
