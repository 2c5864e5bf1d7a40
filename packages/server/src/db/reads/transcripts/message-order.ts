import type { Fragment, Sql } from "../../postgres.ts";

/** A message's place in the order in which messages are shown. `sorted_at` may be -infinity: a file whose first records have no time. */
export type MessagePlace = { sorted_at: string; ordinal: number; id: string };

/** The messages of a session itself (`subagent_id` null) or of one subagent. */
export type Scope = { session_id: string; subagent_id: string | null };

/** Where a page begins, and in which direction it is read. `at`: the message of this place is on it. */
export type PageStart = { place: MessagePlace; direction: "after" | "before" | "at" };

/** As idx_transcript_msg_order has them. */
export function inScope(sql: Sql, { session_id, subagent_id }: Scope): Fragment {
  return sql`m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = ${subagent_id ?? ""}`;
}

export function inOrder(sql: Sql, isBackward = false): Fragment {
  return isBackward ? sql`sorted_at DESC, ordinal DESC, id DESC` : sql`sorted_at, ordinal, id`;
}

/** `row`: the alias of the message that is compared. */
export function beyond(sql: Sql, start: PageStart | null, row = "m"): Fragment {
  if (start === null) return sql``;
  const { sorted_at, ordinal, id } = start.place;
  const comparison = { after: sql`>`, at: sql`>=`, before: sql`<` }[start.direction];
  const place = sql(["sorted_at", "ordinal", "id"].map((column) => `${row}.${column}`));
  return sql`AND (${place}) ${comparison} (${sorted_at}, ${ordinal}::integer, ${id})`;
}
