import type { UsageRow } from "@wharf/protocol";

export const MEASURES = [
  { value: "cost", text: "Cost" },
  { value: "tokens", text: "Tokens" },
] as const;
export type Measure = (typeof MEASURES)[number]["value"];

type Counts = {
  sessions: number;
  responses: number;
  tokens_in: number;
  tokens_out: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
};

function tokensOf(row: Counts): number {
  return row.tokens_in + row.tokens_out + row.cache_read_tokens + row.cache_write_tokens;
}

export function measureOf(row: UsageRow, measure: Measure): number {
  return measure === "cost" ? (row.cost_usd ?? 0) : tokensOf(row);
}

/** The share of the input that was read from the cache, as "93 %"; a dash without input. */
export function cacheRate(row: Counts): string {
  const input = row.tokens_in + row.cache_read_tokens + row.cache_write_tokens;
  return input === 0 ? "–" : `${Math.round((row.cache_read_tokens / input) * 100)} %`;
}

type Sum = Counts & { cost_usd: number; cost_is_partial: boolean };

/** Of rows that share no session, such as those by repository. */
export function sumOf(rows: readonly UsageRow[]): Sum {
  const sum: Sum = {
    sessions: 0,
    responses: 0,
    tokens_in: 0,
    tokens_out: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0,
    cost_is_partial: false,
  };
  for (const row of rows) {
    sum.sessions += row.sessions;
    sum.responses += row.responses;
    sum.tokens_in += row.tokens_in;
    sum.tokens_out += row.tokens_out;
    sum.cache_read_tokens += row.cache_read_tokens;
    sum.cache_write_tokens += row.cache_write_tokens;
    sum.cost_usd += row.cost_usd ?? 0;
    sum.cost_is_partial ||= row.cost_is_partial;
  }
  return sum;
}
