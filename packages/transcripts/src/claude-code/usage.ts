import type { Usage } from "../contract.ts";
import { isObject, type JsonObject, number, object } from "../lines/json.ts";

export type UsageRead = { usage: Usage; cache_write_unsplit: number };

/**
 * A `message.usage`. `output_tokens` holds the thinking; `iterations` are parts of the numbers and are never added. Cache writes come split by
 * duration, or flat: the split counts where there is one (versions before 2.1.152 also write a flat 0).
 */
export function readUsage(usage: JsonObject): UsageRead {
  const flat = number(usage, "cache_creation_input_tokens");
  const split = isObject(usage["cache_creation"]) ? usage["cache_creation"] : null;
  const write5m = split === null ? null : number(split, "ephemeral_5m_input_tokens");
  const write1h = split === null ? null : number(split, "ephemeral_1h_input_tokens");
  const isSplit = write5m !== null || write1h !== null;
  return {
    usage: {
      input: number(usage, "input_tokens"),
      output: number(usage, "output_tokens"),
      cache_read: number(usage, "cache_read_input_tokens"),
      cache_write_5m: isSplit ? (write5m ?? 0) : flat,
      cache_write_1h: isSplit ? (write1h ?? 0) : flat === null ? null : 0,
      reasoning: number(object(usage, "output_tokens_details"), "thinking_tokens"),
      web_searches: number(object(usage, "server_tool_use"), "web_search_requests"),
    },
    cache_write_unsplit: isSplit ? 0 : (flat ?? 0),
  };
}

/** A model's part of a `cost-state`. Its cache writes have no duration. */
export function readReportedUsage(usage: JsonObject): Usage {
  return {
    input: number(usage, "inputTokens"),
    output: number(usage, "outputTokens"),
    cache_read: number(usage, "cacheReadInputTokens"),
    cache_write_5m: number(usage, "cacheCreationInputTokens"),
    cache_write_1h: null,
    reasoning: number(usage, "thinkingTokens"),
    web_searches: number(usage, "webSearchRequests"),
  };
}
