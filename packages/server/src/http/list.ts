import type { Page } from "@wharf/protocol";
import type { Cursor } from "./cursor.ts";

/** `rows` hold up to one more than `limit`: the one that says that there is more. */
export function pageOf<Row, Position>(
  rows: readonly Row[],
  limit: number,
  cursor: Cursor<Position>,
  positionOf: (row: Row) => Position,
): { items: Row[]; page: Page } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const has_more = rows.length > limit;
  return { items, page: { next_cursor: has_more && last ? cursor.write(positionOf(last)) : null, has_more } };
}
