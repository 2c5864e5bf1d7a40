import { maxUsage, type ResponsePart, type Usage } from "@wharf/transcripts";
import type { SightingRow } from "../../db/transcripts/parsed-rows.ts";
import { isoOf, keyOf, nullableKeyOf, timeOf, tokensOf } from "./values.ts";

/** The responses of a step: of each number the maximum, and the texts of the latest record. */
export class ResponseRows {
  readonly #rows = new Map<string, { part: ResponsePart; first_ms: number | null; last_ms: number | null }>();

  add(part: ResponsePart): void {
    const key = keyOf(part.key);
    const ms = timeOf(part.at);
    const known = this.#rows.get(key);
    if (known === undefined) {
      this.#rows.set(key, { part: { ...part, usage: storableUsage(part.usage) }, first_ms: ms, last_ms: ms });
      return;
    }
    const isLater = (ms ?? Number.NEGATIVE_INFINITY) >= (known.last_ms ?? Number.NEGATIVE_INFINITY);
    const [later, earlier] = isLater ? [part, known.part] : [known.part, part];
    this.#rows.set(key, {
      first_ms: earliest(known.first_ms, ms),
      last_ms: isLater ? ms : known.last_ms,
      part: {
        ...later,
        model: later.model ?? earlier.model,
        speed: later.speed ?? earlier.speed,
        service_tier: later.service_tier ?? earlier.service_tier,
        inference_geo: later.inference_geo ?? earlier.inference_geo,
        usage: maxUsage(known.part.usage, storableUsage(part.usage)),
        cache_write_unsplit: Math.max(later.cache_write_unsplit, earlier.cache_write_unsplit),
        is_lower_bound: later.is_lower_bound && earlier.is_lower_bound,
        is_copy: later.is_copy && earlier.is_copy,
        is_sidechain: later.is_sidechain && earlier.is_sidechain,
      },
    });
  }

  rows(): SightingRow[] {
    return [...this.#rows].map(([response_key, { part, first_ms, last_ms }]) => ({
      response_key,
      first_at: isoOf(first_ms),
      last_at: isoOf(last_ms),
      model: nullableKeyOf(part.model),
      speed: nullableKeyOf(part.speed),
      service_tier: nullableKeyOf(part.service_tier),
      inference_geo: nullableKeyOf(part.inference_geo),
      ...part.usage,
      cache_write_unsplit: tokensOf(part.cache_write_unsplit) ?? 0,
      is_lower_bound: part.is_lower_bound,
      is_copy: part.is_copy,
      is_sidechain: part.is_sidechain,
    }));
  }
}

export function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

function storableUsage(usage: Usage): Usage {
  return {
    input: tokensOf(usage.input),
    output: tokensOf(usage.output),
    cache_read: tokensOf(usage.cache_read),
    cache_write_5m: tokensOf(usage.cache_write_5m),
    cache_write_1h: tokensOf(usage.cache_write_1h),
    reasoning: tokensOf(usage.reasoning),
    web_searches: tokensOf(usage.web_searches),
  };
}
