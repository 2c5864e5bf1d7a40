import type { Page } from "@wharf/protocol";
import { type Listed, withoutFlags } from "../db/reads/page-bytes.ts";
import type { Cursor } from "./cursor.ts";

/** `rows` hold up to one more than `limit`: the one that says that there is more, unless the page is full before. */
export function pageOf<Row extends object, Position>(
  rows: readonly Listed<Row>[],
  limit: number,
  cursor: Cursor<Position>,
  positionOf: (row: Row) => Position,
): { items: Row[]; page: Page } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const has_more = rows.length > limit || last?.page_is_full === true;
  withoutFlags(items);
  return { items, page: { next_cursor: has_more && last ? cursor.write(positionOf(last)) : null, has_more } };
}
