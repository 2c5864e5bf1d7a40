import type { UsageQuery } from "@wharf/protocol";
import { href } from "../../app/router.ts";
import { instantOf, isoDay, startOfDay, timeZone } from "../../format/days.ts";

export const DEFAULT_DAYS = "30";
const PLACES = ["workspace_id", "device_id", "agent", "model"] as const;
type PlaceName = (typeof PLACES)[number];
const HOURS_MAX = 48;
const HOUR_MS = 60 * 60 * 1_000;

/** What the address selects. `days` counts today; `from` and `to` come first. */
export type UsageFilters = Partial<Record<PlaceName | "from" | "to" | "days" | "measure" | "show", string>>;
/** A bar: a day or an hour, `from` inclusive and `to` exclusive as the API takes them. */
export type Slot = { key: string; from: string; to: string; at: Date };

export function usageFiltersOf(query: URLSearchParams): UsageFilters {
  const names = [...PLACES, "from", "to", "days", "measure", "show"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name);
      return value ? [[name, value]] : [];
    }),
  );
}

/** The same page with changes. */
export function usageHref(filters: UsageFilters, changes: UsageFilters): string {
  return href("/usage", { ...filters, ...changes });
}

/** The parameters of GET /api/usage but for the group. */
export function usageRequestOf(filters: UsageFilters, nowMs: number): Partial<Omit<UsageQuery, "group">> {
  const { workspace_id, device_id, agent, model } = filters;
  const { from, to } = rangeOf(filters, nowMs);
  return {
    tz: timeZone(),
    from,
    ...(to === null ? {} : { to }),
    ...(workspace_id === undefined ? {} : { workspace_id }),
    ...(device_id === undefined ? {} : { device_id }),
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
  };
}

function rangeOf(
  { from, to, days = DEFAULT_DAYS }: UsageFilters,
  nowMs: number,
): { from: string; to: string | null } {
  const count = /^[1-9]\d{0,3}$/.test(days) ? Number(days) : Number(DEFAULT_DAYS);
  const isRange = from !== undefined && !Number.isNaN(instantOf(from).getTime());
  return { from: isRange ? from : isoDay(startOfDay(nowMs, count - 1)), to: isRange ? (to ?? null) : null };
}

/** Bars by hour for up to two days, otherwise by day; also those without responses. */
export function slotsOf(filters: UsageFilters, nowMs: number): { group: "day" | "hour"; slots: Slot[] } {
  const { from, to } = rangeOf(filters, nowMs);
  const start = instantOf(from);
  const end = to === null ? nowMs : Math.min(instantOf(to).getTime(), nowMs);
  const isByHour = end - start.getTime() <= HOURS_MAX * HOUR_MS;
  return isByHour ? { group: "hour", slots: hours(start, end) } : { group: "day", slots: days(start, end) };
}

function hours(start: Date, end: number): Slot[] {
  const slots: Slot[] = [];
  for (let ms = new Date(start).setMinutes(0, 0, 0); ms < end; ms += HOUR_MS) {
    const at = new Date(ms);
    slots.push({
      key: at.toISOString(),
      from: at.toISOString(),
      to: new Date(ms + HOUR_MS).toISOString(),
      at,
    });
  }
  return slots;
}

function days(start: Date, end: number): Slot[] {
  const slots: Slot[] = [];
  for (let at = startOfDay(start.getTime()); at.getTime() < end; at = startOfDay(at.getTime(), -1))
    slots.push({ key: isoDay(at), from: isoDay(at), to: isoDay(startOfDay(at.getTime(), -1)), at });
  return slots;
}

/** The key of a row of either group, as slots have it. */
export function slotKey(key: string, group: "day" | "hour"): string {
  return group === "day" ? key : new Date(key).toISOString();
}
