import type { Context } from "hono";
import { z } from "zod";
import { hashOf } from "../keys/api-key.ts";
import { parseWith } from "./json.ts";
import { ProblemError } from "./problem.ts";

export type PageRequest = { limit: number; beforeId: string | null; filterMark: string };

const DEFAULT_ITEMS = 50;
const CURSOR_PATTERN = /^([0-9A-Z]{1,26})\.(\w{8})$/;
/** What ids of a list look like: a cursor is in the hands of the client, and what it holds goes into a query. */
export const NUMBER_ID = /^[0-9]{1,18}$/;

/** The page that a list ordered by descending id is asked for. Throws ProblemError 400 for a cursor of other filters, or none of ours. */
export function readPage(
  c: Context,
  limit_max: number,
  idPattern: RegExp,
  filters: Readonly<Record<string, unknown>> = {},
): PageRequest {
  const limitSchema = z.coerce.number().int().min(1).max(limit_max).default(DEFAULT_ITEMS);
  const { limit } = parseWith(z.object({ limit: limitSchema }), { limit: c.req.query("limit") });
  const filterMark = hashOf(JSON.stringify([c.req.path, filters]))
    .replace(/\W/g, "_")
    .slice(0, 8);
  const cursor = c.req.query("cursor");
  return { limit, filterMark, beforeId: cursor === undefined ? null : decode(cursor, filterMark, idPattern) };
}

/** `rows` may hold one more than the page, which says that there is a next one. */
export function pageOf<Row extends { id: string }>(
  rows: readonly Row[],
  { limit, filterMark }: PageRequest,
): { rows: Row[]; next_cursor: string | null; has_more: boolean } {
  const page = rows.slice(0, limit);
  const has_more = rows.length > limit;
  const last = page.at(-1);
  const next_cursor =
    has_more && last !== undefined ? Buffer.from(`${last.id}.${filterMark}`).toString("base64url") : null;
  return { rows: page, next_cursor, has_more };
}

function decode(cursor: string, filterMark: string, idPattern: RegExp): string {
  const [, id, mark] = CURSOR_PATTERN.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id !== undefined && idPattern.test(id) && mark === filterMark) return id;
  throw new ProblemError({
    status: 400,
    code: "CURSOR_INVALID",
    detail: "cursor belongs to another list or to other filters: start again without it.",
    errors: [{ pointer: "/cursor", detail: "not a cursor of this list" }],
  });
}
