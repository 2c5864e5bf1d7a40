import type { Database } from "../db/database.ts";
import { transaction } from "../db/transaction.ts";
import {
  continueRepricing,
  noteRepriced,
  type Repricing,
  refreshSessionCosts,
} from "../db/usage/repricing.ts";
import { lockResponsesAfter, type ResponseKey } from "../db/usage/response-costs.ts";
import { priceResponses } from "../transcripts/pricing.ts";

/** Responses are locked for as long as a piece takes: about 100 ms. */
const RESPONSES_PER_PIECE = 1_000;

/**
 * Prices all responses anew when prices have changed since, in pieces that are each committed with the costs of their sessions. An
 * interrupted run is continued by the next one; a further change of prices begins again. Returns the number of responses.
 */
export async function reprice(
  database: Database,
  signal: AbortSignal,
  perPiece = RESPONSES_PER_PIECE,
): Promise<number> {
  let responses = 0;
  while (!signal.aborted) {
    const repricing = await database.run(continueRepricing);
    if (repricing === null) break;
    responses += await repricePiece(database, repricing, perPiece);
  }
  return responses;
}

async function repricePiece(
  database: Database,
  { version, after }: Repricing,
  perPiece: number,
): Promise<number> {
  return await database.run((sql) =>
    transaction(sql, async ({ query }) => {
      const keys = await lockResponsesAfter(query, after, perPiece);
      const sessions = await priceResponses(query, keys);
      await refreshSessionCosts(sql, query, sessions);
      const last: ResponseKey | null = keys.length < perPiece ? null : (keys.at(-1) ?? null);
      await noteRepriced(query, version, last);
      return keys.length;
    }),
  );
}
