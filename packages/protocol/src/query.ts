import { z } from "zod";
import { timestampSchema } from "./event.ts";

export const PAGE_ITEMS_MAX = 1_000;
/** With an id as long as an index of Postgres holds. */
const CURSOR_CHARACTERS_MAX = 8_000;
const WORDS_MAX = 1_000;

/** An instant with Z or an offset, or a day, which begins at midnight UTC. */
export const instant = z.union([timestampSchema, z.iso.date({ abort: true }).pipe(z.string().regex(/^20/))], {
  error: "must be a day, like 2026-11-22, or a time with Z or an offset, like 2026-11-22T10:00:00Z",
});

/** The schemas that `words` made: parameters that may be repeated. */
export const listParameters = new WeakSet<object>();

/** A list of words in one parameter, separated by commas, or in several of the same name. `expand` adds what words stand for. */
export function words<Word extends z.ZodType>(
  word: Word,
  expand: (list: z.output<Word>[]) => z.output<Word>[] = (list) => list,
) {
  const list = z.preprocess(splitAtCommas, z.array(word).min(1).max(WORDS_MAX).overwrite(expand));
  listParameters.add(list);
  return list;
}

function splitAtCommas(value: unknown): unknown {
  if (typeof value === "string") return value.split(",").map((part) => part.trim());
  return Array.isArray(value) ? value.flatMap(splitAtCommas) : value;
}

/** `limit` and `cursor` of a list. */
export function page(defaultItems: number, itemsMax = PAGE_ITEMS_MAX) {
  return {
    limit: z.coerce.number().int().min(1).max(itemsMax).default(defaultItems),
    cursor: z.string().max(CURSOR_CHARACTERS_MAX).optional(),
  };
}

/** As page, but a larger `limit` is taken as `itemsMax`, for clients of earlier versions. */
export function clampedPage(defaultItems: number, itemsMax: number) {
  const atMost = (limit: number) => Math.min(limit, itemsMax);
  return {
    ...page(defaultItems),
    limit: z.coerce.number().int().min(1).overwrite(atMost).default(defaultItems),
  };
}
