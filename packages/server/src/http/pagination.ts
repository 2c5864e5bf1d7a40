import type { Page } from "@wharf/protocol";
import { z } from "zod";
import { type Listed, withoutFlags } from "../db/reads/page-bytes.ts";
import { ProblemError } from "./problem.ts";

/** The last position of a page, bound to its list and filters. */
export type Cursor<Position> = {
  /** The position in the cursor; null without a cursor. Throws ProblemError 400 CURSOR_INVALID. */
  read(text: string | undefined): Position | null;
  write(position: Position): string;
};

/** Postgres has no year 0. */
const YEAR_NOT_IN_POSTGRES = "0000-";

/** Six fractional digits, as columns are read: a cursor of milliseconds would skip rows. */
export const positionTimeSchema = z.iso
  .datetime({ precision: 6 })
  .refine((time) => !time.startsWith(YEAR_NOT_IN_POSTGRES));
/** Not bounded: rows of an earlier version may have longer ids. */
export const positionIdSchema = z
  .string()
  .min(1)
  .refine((id) => !id.includes("\0"));
/** An id from a sequence of the database. */
export const positionNumberSchema = z.string().regex(/^[0-9]{1,18}$/);
/** The position of a row in a list ordered by time, then id. */
export const timeAndIdSchema = z.tuple([positionTimeSchema, positionIdSchema]);
export type TimeAndId = z.infer<typeof timeAndIdSchema>;
/** The position of a message in its transcript. */
export const messagePlaceSchema = z.object({
  sorted_at: positionTimeSchema.or(z.literal("-infinity")),
  ordinal: z.number().int().nonnegative(),
  id: positionIdSchema,
});

const SCOPE_CHARACTERS = 11;

/** Cursors of one list with these filters. Cursors of other lists or filters are refused. */
export function createCursor<Position>(
  list: string,
  filters: Readonly<Record<string, unknown>>,
  schema: z.ZodType<Position>,
): Cursor<Position> {
  const scope = digest(JSON.stringify([list, filters]));
  const sealed = z.tuple([z.literal(scope), schema]);

  function read(text: string | undefined): Position | null {
    if (text === undefined) return null;
    const parsed = sealed.safeParse(decode(text));
    if (parsed.success) return parsed.data[1];
    throw new ProblemError({
      status: 400,
      code: "CURSOR_INVALID",
      detail: "Invalid cursor for this list and these filters. Omit it to start from the beginning.",
      errors: [{ pointer: "/cursor", detail: "must be a cursor of this list and these filters" }],
    });
  }

  return {
    read,
    write: (position) => Buffer.from(JSON.stringify([scope, position])).toString("base64url"),
  };
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64url").slice(0, SCOPE_CHARACTERS);
}

/** One page. `rows`: up to `limit + 1`, where the extra row shows that more follow; or fewer when the page is full of large rows. */
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
