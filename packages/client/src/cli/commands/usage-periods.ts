import type { UsageRow } from "@wharf/protocol";

/** A row of usage without the number of sessions: those of several days cannot be added up, because a session may last for days. */
export type UsageTotal = Pick<
  UsageRow,
  | "key"
  | "name"
  | "responses"
  | "tokens_in"
  | "tokens_out"
  | "cache_read_tokens"
  | "cache_write_tokens"
  | "cache_write_5m_tokens"
  | "cache_write_1h_tokens"
  | "reasoning_tokens"
  | "web_searches"
  | "cost_usd"
  | "cost_is_partial"
>;

const DAY_MS = 86_400_000;

/** Days by the Monday of their week, in the order of the days. */
export function byWeek(days: readonly UsageRow[]): UsageTotal[] {
  return merged(days, (day) => {
    const date = new Date(`${day}T00:00:00Z`);
    const sinceMonday = (date.getUTCDay() + 6) % 7;
    return new Date(date.getTime() - sinceMonday * DAY_MS).toISOString().slice(0, 10);
  });
}

/** Days by their month, such as 2026-11. */
export function byMonth(days: readonly UsageRow[]): UsageTotal[] {
  return merged(days, (day) => day.slice(0, 7));
}

/** The sum of rows; `key` and `name` are null. */
export function withoutSessions(rows: readonly UsageTotal[]): UsageTotal {
  const sum = (read: (row: UsageTotal) => number) => rows.reduce((total, row) => total + read(row), 0);
  const priced = rows.filter(({ cost_usd }) => cost_usd !== null);
  return {
    key: null,
    name: null,
    responses: sum(({ responses }) => responses),
    tokens_in: sum(({ tokens_in }) => tokens_in),
    tokens_out: sum(({ tokens_out }) => tokens_out),
    cache_read_tokens: sum((row) => row.cache_read_tokens),
    cache_write_tokens: sum((row) => row.cache_write_tokens),
    cache_write_5m_tokens: sum((row) => row.cache_write_5m_tokens),
    cache_write_1h_tokens: sum((row) => row.cache_write_1h_tokens),
    reasoning_tokens: sum((row) => row.reasoning_tokens),
    web_searches: sum((row) => row.web_searches),
    cost_usd: priced.length === 0 ? null : sum(({ cost_usd }) => cost_usd ?? 0),
    cost_is_partial: rows.some((row) => row.cost_is_partial),
  };
}

function merged(days: readonly UsageRow[], keyOf: (day: string) => string): UsageTotal[] {
  const groups = new Map<string, UsageRow[]>();
  for (const day of days) {
    const key = keyOf(day.key ?? "");
    groups.set(key, [...(groups.get(key) ?? []), day]);
  }
  return [...groups].map(([key, rows]) => ({ ...withoutSessions(rows), key }));
}
