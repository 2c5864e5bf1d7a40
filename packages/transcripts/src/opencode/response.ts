import type { Usage } from "../contract.ts";
import { isObject, type JsonObject, number, object } from "../lines/json.ts";
import { NO_USAGE } from "../usage.ts";

export type ResponseRead = { key: string; usage: Usage };

/**
 * The tokens of an assistant's message; null where it has none yet. A fork copies them under new ids: the time, the model and the numbers
 * are the key. The input excludes the cache; the reasoning is outside the output, but in versions whose total leaves it out.
 */
export function readResponse(data: JsonObject, model: string | null): ResponseRead | null {
  if (!isObject(data["tokens"])) return null;
  const tokens = data["tokens"];
  const cache = object(tokens, "cache");
  const input = number(tokens, "input") ?? 0;
  const output = number(tokens, "output") ?? 0;
  const reasoning = number(tokens, "reasoning") ?? 0;
  const cache_read = number(cache, "read") ?? 0;
  const cache_write_5m = number(cache, "write") ?? 0;
  if (input + output + reasoning + cache_read + cache_write_5m === 0) return null;
  const isInside = number(tokens, "total") === input + output + cache_read + cache_write_5m;
  const created = number(object(data, "time"), "created") ?? 0;
  return {
    key: [created, model ?? "", input, output, reasoning, cache_read, cache_write_5m].join("/"),
    usage: {
      ...NO_USAGE,
      input,
      output: isInside ? output : output + reasoning,
      cache_read,
      cache_write_5m,
      cache_write_1h: 0,
      reasoning,
    },
  };
}
