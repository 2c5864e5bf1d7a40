import { z } from "zod";
import { timestampSchema } from "./event.ts";

export const PAGE_ITEMS_MAX = 1_000;
/** With an id as long as an index of Postgres holds. */
const CURSOR_CHARACTERS_MAX = 8_000;
const WORDS_MAX = 1_000;

/** An instant with Z or an offset, or a day, which begins at midnight UTC. */
export const instant = z.union([timestampSchema, z.iso.date().pipe(z.string().regex(/^20/))], {
  error: "must be ISO-8601, like 2026-11-22T10:00:00Z",
});

/** A list of words in one parameter, separated by commas. */
export function words<Word extends z.ZodType>(word: Word) {
  return z.preprocess(
    (value) => (typeof value === "string" ? value.split(",").map((part) => part.trim()) : value),
    z.array(word).min(1).max(WORDS_MAX),
  );
}

/** `limit` and `cursor` of a list. */
export function page(defaultItems: number, itemsMax = PAGE_ITEMS_MAX) {
  return {
    limit: z.coerce.number().int().min(1).max(itemsMax).default(defaultItems),
    cursor: z.string().max(CURSOR_CHARACTERS_MAX).optional(),
  };
}
