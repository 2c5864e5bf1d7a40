import { foldResponses } from "../../db/transcripts/fold-responses.ts";
import type { Query } from "../../db/transcripts/query.ts";
import type { ResponseKey } from "../../db/usage/response-costs.ts";
import { priceResponses } from "../pricing.ts";

/** Folds responses over all files that hold them, in a transaction that holds the lock of folding. Returns the sessions whose totals change. */
export async function foldAndPrice(query: Query, keys: readonly ResponseKey[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const { written, session_ids } = await foldResponses(query, keys);
  return [...new Set([...session_ids, ...(await priceResponses(query, written))])];
}
