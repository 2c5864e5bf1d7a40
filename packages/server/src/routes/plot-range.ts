import type { UsageRange } from "../db/usage/usage.ts";
import { invalidParameter } from "../http/query.ts";

const DAY_MS = 86_400_000;
/** `2026-11-29`. */
const DAY_CHARACTERS = 10;

export type PlotLimits = { defaultDays: number; daysMax: number };
export type PlotQuery = { tz: string; from?: string | undefined; to?: string | undefined };

/**
 * The range of a plot: by default from the day that is `defaultDays` before `to`, which is now by default. Throws ProblemError 400 for a range that is
 * empty or longer than `daysMax`.
 */
export function plotRange({ tz, from, to }: PlotQuery, { defaultDays, daysMax }: PlotLimits): UsageRange {
  const toMs = to === undefined ? Date.now() : Date.parse(to);
  const fromMs = from === undefined ? toMs - defaultDays * DAY_MS : Date.parse(from);
  if (fromMs >= toMs) throw invalidParameter("from", "must be earlier than to");
  if (toMs - fromMs > daysMax * DAY_MS)
    throw invalidParameter("from", `must be at most ${daysMax} days before to`);
  return { tz, from: from ?? new Date(fromMs).toISOString().slice(0, DAY_CHARACTERS), to: to ?? null };
}
