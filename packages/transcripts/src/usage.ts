import type { Usage } from "./contract.ts";

export const NO_USAGE: Usage = {
  input: null,
  output: null,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  reasoning: null,
  web_searches: null,
};

/** Two records of one response: the larger number of each bucket. A known number is larger than an unknown one. */
export function maxUsage(a: Usage, b: Usage): Usage {
  return {
    input: maxKnown(a.input, b.input),
    output: maxKnown(a.output, b.output),
    cache_read: maxKnown(a.cache_read, b.cache_read),
    cache_write_5m: maxKnown(a.cache_write_5m, b.cache_write_5m),
    cache_write_1h: maxKnown(a.cache_write_1h, b.cache_write_1h),
    reasoning: maxKnown(a.reasoning, b.reasoning),
    web_searches: maxKnown(a.web_searches, b.web_searches),
  };
}

function maxKnown(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}
