import type { Session, SessionListQuery } from "@wharf/protocol";
import { startOfDay } from "../../format/days.ts";

/** Parameters of the page's address: those of GET /api/sessions, and `days`. */
export const FILTERS = [
  "q",
  "workspace_id",
  "device_id",
  "agent",
  "live_state",
  "lifecycle",
  "tag",
  "days",
  "after",
  "before",
  "ended_after",
  "ended_before",
] as const;
export type FilterName = (typeof FILTERS)[number];
/** Without empty values. */
export type Filters = Partial<Record<FilterName, string>>;

export function filtersOf(query: URLSearchParams): Filters {
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = query.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

/** What GET /api/sessions takes. `days` counts today. */
export function requestOf(
  { days, ...filters }: Filters,
  nowMs: number,
): Record<string, string> & SessionQuery {
  const count = Number(days);
  if (!Number.isInteger(count) || count < 1) return filters;
  // Bounds are exclusive.
  const after = new Date(startOfDay(nowMs, count - 1).getTime() - 1).toISOString();
  return { ...filters, after };
}
type SessionQuery = { [Name in Exclude<keyof SessionListQuery, "limit" | "cursor">]?: string };

/** Whether a session belongs to the list. Null for a search: only the hub can tell. */
export function matcherOf(filters: Filters, today: number): ((session: Session) => boolean) | null {
  if (filters.q !== undefined) return null;
  const {
    workspace_id,
    device_id,
    agent,
    live_state,
    lifecycle,
    tag,
    after,
    before,
    ended_after,
    ended_before,
  } = requestOf(filters, today);
  const isOf = (list: string | undefined, value: string | null) =>
    list === undefined || (value !== null && list.split(",").includes(value));
  const isAfter = (bound: string | undefined, at: string | null) =>
    bound === undefined || (at !== null && Date.parse(at) > Date.parse(bound));
  const isBefore = (bound: string | undefined, at: string | null) =>
    bound === undefined || (at !== null && Date.parse(at) < Date.parse(bound));
  return (session) =>
    (workspace_id === undefined ||
      [session.workspace_id, session.workspace_canonical_id, session.workspace_name].includes(
        workspace_id,
      )) &&
    isOf(device_id, session.device_id) &&
    isOf(agent, session.agent) &&
    isOf(live_state, session.live_state) &&
    isOf(lifecycle, session.lifecycle) &&
    (tag === undefined || session.tags.includes(tag)) &&
    isAfter(after, session.started_at) &&
    isBefore(before, session.started_at) &&
    isAfter(ended_after, session.ended_at) &&
    isBefore(ended_before, session.ended_at);
}
