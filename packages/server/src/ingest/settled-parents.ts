import { mayNameDevice } from "../db/ingest/devices.ts";
import type { EventRow, Unsettled } from "../db/ingest/flush-events.ts";
import { isGitActivity } from "../db/projections/git-activity.ts";
import type { QuietSession } from "../db/projections/projections.ts";
import { LAST_HEARD_INTERVAL_S, reportsSession } from "../db/projections/sessions-from-events.ts";

export type SettledParents = {
  /** What these events may change beside themselves. */
  unsettled(events: readonly EventRow[]): Unsettled;
  /** Notes what a committed flush has made of the devices that it asked about. `stored` are the events that it stored. */
  settleDevices(stored: readonly EventRow[], asked: Unsettled): void;
  /** Notes the sessions that a projection found as they should be. */
  settleSessions(quiet: readonly QuietSession[]): void;
  /** Forgets everything: a parent was deleted behind the cache. */
  forget(): void;
};

export const SETTLED_PARENTS_MAX = 20_000;
/** A device's last_seen_at lags behind its events by this at most, on top of the interval at which it is written. */
export const LINK_SETTLED_MS = 5_000;

const SESSION_SETTLED_MS = LAST_HEARD_INTERVAL_S * 1000;

type SettledSession = { until_ms: number; stub_since_ms: number };

/**
 * Remembers which devices and sessions need nothing from another event, so that a flush asks the database only about the rest:
 * of 128 single events it saved a quarter of what Postgres spends on each. A wrong memory does no harm: a parent that is gone
 * violates a foreign key (then forget and try again), deleted sessions have tombstones, a session that is ended for its
 * silence was not heard of for longer than anything is remembered, and what a stub learns elsewhere only spares it more work.
 */
export function createSettledParents(now: () => number = Date.now): SettledParents {
  const links = new Map<string, number>();
  const sessions = new Map<string, SettledSession>();

  function unsettled(events: readonly EventRow[]): Unsettled {
    const now_ms = now();
    const device_ids = new Set<string>();
    const session_ids = new Set<string>();
    const event_ids: string[] = [];
    for (const event of events) {
      if (!isFresh(links.get(linkOf(event)), now_ms)) device_ids.add(event.device_id);
      const session = event.session_id === null ? undefined : sessions.get(event.session_id);
      if (event.session_id !== null && session === undefined) session_ids.add(event.session_id);
      if (needsProjection(event, session, now_ms)) event_ids.push(event.id);
    }
    return { device_ids: [...device_ids], session_ids: [...session_ids], event_ids };
  }

  function settleDevices(stored: readonly EventRow[], asked: Unsettled): void {
    if (asked.device_ids.length === 0) return;
    const until_ms = now() + LINK_SETTLED_MS;
    const askedDevices = new Set(asked.device_ids);
    if (links.size + stored.length > SETTLED_PARENTS_MAX) links.clear();
    for (const event of stored) if (askedDevices.has(event.device_id)) links.set(linkOf(event), until_ms);
  }

  function settleSessions(quiet: readonly QuietSession[]): void {
    const now_ms = now();
    if (sessions.size + quiet.length > SETTLED_PARENTS_MAX) sessions.clear();
    for (const { id, heard_ms, stub_since_ms } of quiet)
      sessions.set(id, {
        until_ms: now_ms + SESSION_SETTLED_MS - Math.max(0, heard_ms),
        stub_since_ms: stub_since_ms ?? Number.NEGATIVE_INFINITY,
      });
  }

  function forget(): void {
    links.clear();
    sessions.clear();
  }

  return { unsettled, settleDevices, settleSessions, forget };
}

function linkOf({ workspace_id, device_id }: EventRow): string {
  return workspace_id + device_id;
}

/** By the wall clock, which goes on while the machine sleeps; where it was set back, what is remembered is too old as well. */
function isFresh(until_ms: number | undefined, now_ms: number): boolean {
  return until_ms !== undefined && until_ms >= now_ms && until_ms - now_ms <= SESSION_SETTLED_MS;
}

/** Git activity that names no session is tied to one; the rest may say something of its device, or of the session that it names. */
function needsProjection(event: EventRow, session: SettledSession | undefined, now_ms: number): boolean {
  if (mayNameDevice(event)) return true;
  if (event.session_id === null) return isGitActivity(event.type);
  return !isSettled(event, session, now_ms);
}

/** A stub begins with its earliest event; the milliseconds are rounded away from each other. */
function isSettled(event: EventRow, session: SettledSession | undefined, now_ms: number): boolean {
  if (session === undefined || !isFresh(session.until_ms, now_ms) || reportsSession(event.type)) return false;
  return (
    session.stub_since_ms === Number.NEGATIVE_INFINITY ||
    Date.parse(event.timestamp) > session.stub_since_ms + 1
  );
}
