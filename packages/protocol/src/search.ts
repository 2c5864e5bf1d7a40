import { z } from "zod";
import { pageSchema } from "./page.ts";
import { page } from "./query.ts";
import { sessionSchema } from "./resources/session.ts";

/** How well the sessions of a page match, the best first. */
export const SEARCH_TIERS = ["exact", "all_words", "any_word", "close_spelling"] as const;
const searchTierSchema = z.enum(SEARCH_TIERS);
export type SearchTier = z.infer<typeof searchTierSchema>;

export const SEARCH_QUERY_CHARACTERS_MAX = 10_240;
export const SEARCH_RESULTS_MAX = 100;

export const searchTextSchema = z.string().max(SEARCH_QUERY_CHARACTERS_MAX);

export const searchQuerySchema = z.object({
  q: searchTextSchema,
  ...page(20, SEARCH_RESULTS_MAX),
});

/** Plain text with the offsets of what was found in it, in UTF-16 units. */
export const fragmentSchema = z.object({
  text: z.string(),
  marks: z.array(z.tuple([z.number().int(), z.number().int()])),
});

export const searchResultSchema = z.object({
  session: sessionSchema,
  /** Null for what is of the session itself: its title, summary or a commit. */
  message_id: z.string().nullable(),
  ordinal: z.number().int().nullable(),
  kind: z.string(),
  device_name: z.string().nullable(),
  workspace_name: z.string(),
  timestamp: z.string(),
  fragments: z.array(fragmentSchema),
  rank: z.number(),
  tier: searchTierSchema,
});
export type SearchResult = z.infer<typeof searchResultSchema>;

export const searchResponseSchema = z.object({
  results: z.array(searchResultSchema),
  /** Of the last result; null without results. */
  tier: searchTierSchema.nullable(),
  /** So many documents match that only the newest were ranked. */
  is_newest_only: z.boolean(),
  ...pageSchema.shape,
});
export type SearchResponse = z.infer<typeof searchResponseSchema>;
