import { z } from "zod";

const MODEL_CHARACTERS_MAX = 200;
const TEXT_CHARACTERS_MAX = 500;
const ALIASES_MAX = 50;
const USD_PER_MILLION_TOKENS_MAX = 1_000_000;
const INPUT_TOKENS_MAX = 1_000_000_000;

const day = z.iso
  .date({ error: "must be a day, like 2026-11-22", abort: true })
  .refine((date) => date >= "2000-01-01" && date < "2100-01-01", {
    error: "must be a day from 2000-01-01 on",
  });
const rate = z.number().nonnegative().max(USD_PER_MILLION_TOKENS_MAX).nullable();
const model = z.string().min(1).max(MODEL_CHARACTERS_MAX);
const text = z.string().min(1).max(TEXT_CHARACTERS_MAX);

/** What a model costs between two days: USD per million tokens, by bucket. null: unknown. */
export const priceSchema = z.looseObject({
  model: z.string(),
  provider: z.string(),
  /** First day; null: from the beginning. */
  from: z.string().nullable(),
  /** The day from which it no longer holds; null: until now. */
  to: z.string().nullable(),
  input: z.number().nullable(),
  output: z.number().nullable(),
  cache_read: z.number().nullable(),
  cache_write_5m: z.number().nullable(),
  cache_write_1h: z.number().nullable(),
  /** Holds for whole requests whose input with cache is larger; null: for all others. */
  above_input_tokens: z.number().nullable(),
  /** Holds for responses of the fast mode; null: for all others. */
  speed: z.literal("fast").nullable(),
  aliases: z.array(z.string()),
  source: z.string(),
  source_date: z.string().nullable(),
  /** False: written by an administrator; a new version of the server does not change it. */
  is_shipped: z.boolean(),
  updated_at: z.string(),
});
export type PriceRow = z.infer<typeof priceSchema>;

/** PUT /api/prices: one row. It replaces the row with the same model, `from` and kind of requests. */
export const putPriceSchema = z
  .strictObject({
    model,
    provider: text,
    from: day.nullable().default(null),
    to: day.nullable().default(null),
    input: rate.default(null),
    output: rate.default(null),
    cache_read: rate.default(null),
    cache_write_5m: rate.default(null),
    cache_write_1h: rate.default(null),
    above_input_tokens: z.number().int().positive().max(INPUT_TOKENS_MAX).nullable().default(null),
    speed: z.literal("fast").nullable().default(null),
    aliases: z.array(model).max(ALIASES_MAX).default([]),
    source: text.default("administrator"),
  })
  .refine(({ from, to }) => to === null || from === null || from < to, {
    error: "must be later than from",
    path: ["to"],
  })
  .refine(({ above_input_tokens, speed }) => above_input_tokens === null || speed === null, {
    error: "cannot be combined with above_input_tokens",
    path: ["speed"],
  });
export type PutPrice = z.infer<typeof putPriceSchema>;
