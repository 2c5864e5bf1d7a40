import type { Fact } from "../contract.ts";
import { type JsonObject, object, text } from "../lines/json.ts";
import { respond } from "./responses.ts";
import type { CodexState } from "./state.ts";
import { growth, isSame, readCounts, usageOf } from "./usage.ts";

/** One record of usage with the response's id. It replaces the adjacent token_count. */
export function readUsageRecord(state: CodexState, record: JsonObject, at: string | null): Fact[] {
  const counts = readCounts(object(record, "usage"));
  const response_id = text(record, "response_id");
  if (counts === null || response_id === null) return [];
  state.has_usage_records = true;
  const thread = text(record, "thread_id") ?? state.thread_id;
  return respond(state, `${thread}/${response_id}`, usageOf(counts), at);
}

/** Running totals, which are also written again without a change. `info` is null in records of rate limits. */
export function readTokenCount(state: CodexState, event: JsonObject, at: string | null): Fact[] {
  if (state.has_usage_records) return [];
  const info = object(event, "info");
  const total = readCounts(object(info, "total_token_usage"));
  const last = readCounts(object(info, "last_token_usage"));
  if (total === null && last === null) return [];
  if (total !== null && isSame(state.totals, total)) return [];
  const counts = last ?? (total === null ? null : growth(state.totals, total));
  state.totals = total ?? state.totals;
  if (counts === null) return [];
  state.changes += 1;
  const thread = state.is_copying ? state.parent : state.thread_id;
  return respond(state, `${thread}/${state.turn_id ?? ""}/${state.changes}`, usageOf(counts), at);
}
