import { z } from "zod";

/** ISO-8601 UTC with six fractional digits. */
export const time = z.string();
export const text = z.string();
export const nullableText = text.nullable();
export const nullableNumber = z.number().nullable();
export const json = z.record(z.string(), z.unknown());

export const tokens = {
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  cache_read_tokens: nullableNumber,
  cache_write_tokens: nullableNumber,
};
export const usage = { ...tokens, cost_estimate_usd: nullableNumber };
