import type { Job, LiveEventRow, LiveKind, Session } from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import { type Change, type ChangePosition, findChangedEvents, findDeviceRows } from "../db/reads/changes.ts";
import { findSessionsInOrder } from "../db/reads/sessions.ts";
import type { JobAdministration } from "../jobs/job-administration.ts";
import { toWireJob } from "../jobs/job-wire.ts";
import { withStoredJson } from "../json/stored-json.ts";
import { positionText } from "./positions.ts";
import type { LiveFilter } from "./viewer.ts";

/** A row of change_log as viewers see it: one or several events of the stream. */
export type LiveChange = { position: ChangePosition; items: readonly LiveItem[] };
/** Null: the filter does not want it. */
type LiveItem = { textFor(filter: LiveFilter): string | null };

export type DescribeOptions = { reads: Database; jobs: Pick<JobAdministration, "list"> };

/** With more rows, an event has their ids alone. */
const ROWS_MAX = 50;
/** Of one statement. */
const SESSIONS_AT_ONCE = 100;
/** Of all that is read together, unless one change has more. */
const SESSIONS_TOGETHER_MAX = 200;
/** Of one change; with more, they are not sent one by one: clients read their lists again. */
const SESSIONS_MAX = 1_000;

type Rows = {
  events: ReadonlyMap<string, LiveEventRow>;
  /** Null: too many. */
  sessions: ReadonlyMap<string, Session> | null;
  jobs: ReadonlyMap<string, Job>;
  devices: ReadonlyMap<string, { id: string }>;
};

/**
 * Reads what has changed, once for all viewers: only of the kinds that one of them wants. Answers with the first of these changes, as
 * many as have not too many sessions together.
 */
export async function describeChanges(
  options: DescribeOptions,
  all: readonly Change[],
  kinds: ReadonlySet<LiveKind>,
): Promise<LiveChange[]> {
  const changes = firstOf(all);
  const lastOf = new Map(
    changes.filter(isOfSessions).flatMap((change) => change.session_ids.map((id) => [id, change] as const)),
  );
  const rows = await readRows(options, changes, kinds, [...lastOf.keys()]);
  return changes.map((change) => ({
    position: { xid: change.xid, position: change.position },
    items: itemsOf(change, rows, (id) => lastOf.get(id) === change),
  }));
}

function firstOf(changes: readonly Change[]): readonly Change[] {
  const ids = new Set<string>();
  const end = changes.findIndex((change, n) => {
    for (const id of isOfSessions(change) ? change.session_ids : []) ids.add(id);
    return n > 0 && ids.size > SESSIONS_TOGETHER_MAX;
  });
  return end === -1 ? changes : changes.slice(0, end);
}

function isOfSessions({ kind }: Change): boolean {
  return kind === "session" || kind === "sessions_ended";
}

async function readRows(
  { reads, jobs }: DescribeOptions,
  changes: readonly Change[],
  kinds: ReadonlySet<LiveKind>,
  session_ids: readonly string[],
): Promise<Rows> {
  const idsOf = (kind: string, name: LiveKind, column: "event_ids" | "ids") =>
    kinds.has(name)
      ? [...new Set(changes.flatMap((change) => (change.kind === kind ? change[column] : [])))]
      : [];
  const wanted = {
    events: idsOf("events", "event", "event_ids"),
    jobs: idsOf("job", "job", "ids"),
    devices: idsOf("device", "device", "ids"),
    sessions: kinds.has("session") ? session_ids : [],
  };
  const [events, devices, found, sessions] = await Promise.all([
    wanted.events.length === 0 ? [] : reads.run((sql) => findChangedEvents(sql, wanted.events)),
    wanted.devices.length === 0 ? [] : reads.run((sql) => findDeviceRows(sql, wanted.devices)),
    wanted.jobs.length === 0 ? [] : jobs.list({ ids: wanted.jobs }, { limit: wanted.jobs.length }),
    wanted.sessions.length > SESSIONS_MAX ? null : readSessions(reads, wanted.sessions),
  ]);
  return { events: byId(events), devices: byId(devices), jobs: byId(found.map(toWireJob)), sessions };
}

function byId<Row extends { id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

async function readSessions(reads: Database, ids: readonly string[]): Promise<Map<string, Session>> {
  const sessions = new Map<string, Session>();
  let left = ids;
  while (left.length > 0) {
    const asked = left.slice(0, SESSIONS_AT_ONCE);
    const rows = await reads.run((sql) => findSessionsInOrder(sql, asked));
    for (const { page_is_full: _, ...session } of rows) sessions.set(session.id, session);
    const last = rows.at(-1);
    left = left.slice(last?.page_is_full === true ? asked.indexOf(last.id) + 1 : asked.length);
  }
  return sessions;
}

function itemsOf(change: Change, rows: Rows, isLastOf: (session_id: string) => boolean): LiveItem[] {
  if (change.kind === "events") return [eventItem(change, rows.events)];
  if (change.kind === "job") return [jobItem(change, rows.jobs)];
  if (change.kind === "device") return [deviceItem(change, rows.devices)];
  if (!isOfSessions(change)) return [];
  const { sessions } = rows;
  if (sessions === null) return [resetItem(change)];
  // One that changes again in what was read is sent where it changed last: its row is of that time or later.
  return change.session_ids.filter(isLastOf).map((id) => sessionItem(change, id, sessions.get(id) ?? null));
}

function text(change: Change, kind: LiveKind | "reset", ids: readonly string[], more: object): string {
  const data = { id: positionText(change), kind, ids, at: change.at, ...more };
  return `event: ${kind}\ndata: ${withStoredJson(JSON.stringify(data))}\n\n`;
}

function eventItem(change: Change, found: ReadonlyMap<string, LiveEventRow>): LiveItem {
  const events = change.event_ids.flatMap((id) => found.get(id) ?? []);
  return perFilter("event", (filter) => {
    const wanted = events.filter((event) => matches(filter, event));
    return wanted.length === 0 ? null : text(change, "event", idsOf(wanted), few("events", wanted));
  });
}

function jobItem(change: Change, found: ReadonlyMap<string, Job>): LiveItem {
  const jobs = change.ids.flatMap((id) => found.get(id) ?? []);
  return perFilter("job", (filter) => {
    const { workspace_id, device_id, session_id } = filter;
    if (workspace_id !== undefined || device_id !== undefined) return null;
    if (change.ids.length === 0) return text(change, "job", [], {});
    const wanted = jobs.filter((job) => session_id === undefined || job.concurrency_key === session_id);
    return wanted.length === 0 ? null : text(change, "job", idsOf(wanted), few("jobs", wanted));
  });
}

function deviceItem(change: Change, found: ReadonlyMap<string, { id: string }>): LiveItem {
  const devices = change.ids.flatMap((id) => found.get(id) ?? []);
  return perFilter("device", (filter) => {
    const { workspace_id, device_id, session_id } = filter;
    if (workspace_id !== undefined || session_id !== undefined) return null;
    const wanted = devices.filter(({ id }) => device_id === undefined || id === device_id);
    return wanted.length === 0 ? null : text(change, "device", idsOf(wanted), few("devices", wanted));
  });
}

/** Of a deleted session nothing but its id is known: all who may have listed it get it. */
function sessionItem(change: Change, id: string, session: Session | null): LiveItem {
  let written: string | undefined;
  return {
    textFor: (filter) => {
      const { session_id = id } = filter;
      const isWanted = session === null ? session_id === id : matches(filter, { ...session, session_id: id });
      if (!isWanted || !filter.kinds.includes("session")) return null;
      written ??= text(change, "session", [id], { session });
      return written;
    },
  };
}

function resetItem(change: Change): LiveItem {
  return perFilter("session", () => text(change, "reset", [], { reason: "too many sessions have changed" }));
}

/** Written once for all viewers with the same filter. */
function perFilter(kind: LiveKind, write: (filter: LiveFilter) => string | null): LiveItem {
  const written = new Map<string, string | null>();
  return {
    textFor: (filter) => {
      if (!filter.kinds.includes(kind)) return null;
      const known = written.get(filter.key);
      if (known !== undefined) return known;
      const made = write(filter);
      written.set(filter.key, made);
      return made;
    },
  };
}

type Place = { workspace_id: string; device_id: string; session_id: string | null };

function matches({ workspace_id, device_id, session_id }: LiveFilter, place: Place): boolean {
  return (
    (workspace_id === undefined || workspace_id === place.workspace_id) &&
    (device_id === undefined || device_id === place.device_id) &&
    (session_id === undefined || session_id === place.session_id)
  );
}

function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

function few(name: string, rows: readonly unknown[]): object {
  return rows.length <= ROWS_MAX ? { [name]: rows } : {};
}
