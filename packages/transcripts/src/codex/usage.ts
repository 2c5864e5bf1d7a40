import type { Usage } from "../contract.ts";
import { type JsonObject, number } from "../lines/json.ts";
import { NO_USAGE } from "../usage.ts";

/** Token counts as Codex writes them: `input` holds the cache, `output` the reasoning. */
export type Counts = { input: number; cached: number; written: number; output: number; reasoning: number };

/** null where the object has no counts. */
export function readCounts(usage: JsonObject): Counts | null {
  const input = number(usage, "input_tokens");
  const output = number(usage, "output_tokens");
  if (input === null && output === null) return null;
  return {
    input: input ?? 0,
    cached: number(usage, "cached_input_tokens") ?? 0,
    written: number(usage, "cache_write_input_tokens") ?? 0,
    output: output ?? 0,
    reasoning: number(usage, "reasoning_output_tokens") ?? 0,
  };
}

/** In disjoint buckets. OpenAI has one rate for cache writes: it is kept in `cache_write_5m`. Some records state more cache than input. */
export function usageOf({ input, cached, written, output, reasoning }: Counts): Usage {
  const cache_read = Math.min(cached, input);
  const cache_write_5m = Math.min(written, input - cache_read);
  return {
    ...NO_USAGE,
    input: input - cache_read - cache_write_5m,
    output,
    cache_read,
    cache_write_5m,
    cache_write_1h: 0,
    reasoning,
  };
}

export function isSame(a: Counts | null, b: Counts): boolean {
  return (
    a !== null &&
    a.input === b.input &&
    a.cached === b.cached &&
    a.written === b.written &&
    a.output === b.output &&
    a.reasoning === b.reasoning
  );
}

/** What running totals grew by. Totals that fall were reset, and are taken whole. */
export function growth(before: Counts | null, total: Counts): Counts {
  if (before === null || total.input < before.input || total.output < before.output) return total;
  return {
    input: total.input - before.input,
    cached: Math.max(0, total.cached - before.cached),
    written: Math.max(0, total.written - before.written),
    output: total.output - before.output,
    reasoning: Math.max(0, total.reasoning - before.reasoning),
  };
}
