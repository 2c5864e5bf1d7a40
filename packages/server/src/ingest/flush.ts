import type { Database } from "../db/database.ts";
import {
  describeDatabaseError,
  isDataError,
  isForeignKeyViolation,
  isLocked,
  isRetryableConflict,
} from "../db/database-errors.ts";
import { locateEvents } from "../db/ingest/events.ts";
import { type EventRow, type FlushOutput, NO_NOTES } from "../db/ingest/flush-events.ts";
import type { IngestNote } from "../db/ingest/ingest-notes.ts";
import { findLockedParents } from "../db/ingest/parent-checks.ts";
import { StorageError } from "../errors.ts";
import type { CheckedEvent } from "./check-event.ts";
import type { FlushRunner } from "./flush-runner.ts";
import { keptText } from "./kept-body.ts";
import { createKnownActivity, type KnownActivity } from "./known-activity.ts";
import { type FlushPlan, planFlush } from "./plan-flush.ts";
import type { Projector } from "./projector.ts";
import { CONFLICT_ATTEMPTS_MAX } from "./retry-conflicts.ts";
import { saveNotes } from "./save-notes.ts";
import type { WorkspaceResolver } from "./workspace-resolver.ts";
import type { FlushOutcome } from "./writer.ts";

export type FlushDependencies = {
  database: Database;
  runFlush: FlushRunner;
  workspaces: WorkspaceResolver;
  known: KnownActivity;
  projector: Pick<Projector, "project">;
  /** Called after each commit. */
  onFlushed?: () => void;
  onRetry?: (reason: string) => void;
};

type Row = EventRow & { event: CheckedEvent };
type Flushed = { rows: Row[]; plan: FlushPlan; output: FlushOutput };
type Verdicts = Map<CheckedEvent, FlushOutcome>;

const ACCEPTED: FlushOutcome = { status: "accepted" };
const DUPLICATE: FlushOutcome = { status: "duplicate" };
const NOTHING_PLANNED: FlushPlan = planFlush([], createKnownActivity());
const NOTHING_STORED: FlushOutput = { stored_count: 0, stored_ids: null, queue_id: null };

/**
 * Stores the events of many requests together: one statement, sorted by id, answered after its commit.
 * Data that Postgres refuses is found by halving and rejected individually; events whose parents a transaction holds locked are
 * unavailable, and the others are stored. Throws when the database is unavailable, too slow or
 * full: nothing is acknowledged then.
 */
export function createFlush(dependencies: FlushDependencies) {
  return async function flush(events: readonly CheckedEvent[]): Promise<FlushOutcome[]> {
    const verdicts: Verdicts = new Map();
    let rest = events;
    // Repeats of an event come after it: a rejected one must not take another with its id along.
    while (rest.length > 0) rest = await storeFirsts(rest, verdicts, dependencies);
    return events.map((event) => {
      const verdict = verdicts.get(event);
      if (verdict === undefined) throw ledgerBroken();
      return verdict;
    });
  };
}

/** Stores the first event of each id; answers with those repeats that another body may save from its rejection. */
async function storeFirsts(
  events: readonly CheckedEvent[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<CheckedEvent[]> {
  const firstById = new Map<string, CheckedEvent>();
  const repeats: [CheckedEvent, CheckedEvent][] = [];
  for (const event of events) {
    const first = firstById.get(event.id);
    if (first === undefined) firstById.set(event.id, event);
    else repeats.push([event, first]);
  }
  await store([...firstById.values()].sort(byId), verdicts, dependencies);
  if (repeats.length === 0) return [];
  const notes: IngestNote[] = [];
  const undecided: CheckedEvent[] = [];
  for (const [repeat, first] of repeats) {
    const verdict = verdicts.get(first);
    const differs = first.data !== repeat.data || first.type !== repeat.type;
    if (verdict?.status === "unavailable") verdicts.set(repeat, verdict);
    else if (verdict?.status === "rejected" && isSameRow(first, repeat)) verdicts.set(repeat, verdict);
    else if (verdict?.status === "rejected") undecided.push(repeat);
    else {
      verdicts.set(repeat, DUPLICATE);
      if (differs) notes.push(differentBody(repeat));
    }
  }
  await saveNotes(dependencies.database, notes);
  return undecided;
}

function isSameRow(one: CheckedEvent, other: CheckedEvent): boolean {
  const { notes: _, ...row } = one;
  const { notes: __, ...otherRow } = other;
  return Bun.deepEquals(row, otherRow);
}

function differentBody({ id, device_id, session_id, data }: CheckedEvent | EventRow): IngestNote {
  const detail = "different body for a known id; the first one is kept";
  return { event_id: id, device_id, session_id, kind: "different_body", detail, body: keptText(data) };
}

function byId(a: CheckedEvent, b: CheckedEvent): number {
  return a.id < b.id ? -1 : 1;
}

async function store(
  events: CheckedEvent[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
  isSecondTry = false,
): Promise<void> {
  const rows = await resolveRows(events, verdicts, dependencies);
  if (rows.length === 0) return;
  let flushed: Flushed;
  try {
    flushed = await storeWhole(rows, verdicts, dependencies);
  } catch (error) {
    if (isLocked(error)) return await storeUnlocked(rows, error, verdicts, dependencies);
    if (!isDataError(error)) throw error;
    dependencies.onRetry?.(describeDatabaseError(error));
    if (rows.length === 1) {
      const reason = `the database refused it: ${describeDatabaseError(error)}`;
      for (const row of rows) verdicts.set(row.event, { status: "rejected", error: reason });
      return;
    }
    const middle = Math.ceil(events.length / 2);
    await store(events.slice(0, middle), verdicts, dependencies, isSecondTry);
    await store(events.slice(middle), verdicts, dependencies, isSecondTry);
    return;
  }
  // After the commit: an error from here on must not make what is stored look like a duplicate.
  const gone = await settle(flushed, verdicts, dependencies);
  if (gone.length === 0) return;
  // Their first was deleted after this flush had found it: they are new now.
  if (isSecondTry) throw ledgerBroken();
  await store(gone, verdicts, dependencies, true);
}

/** Without the events whose session, device or workspace a transaction holds locked. Throws when the lock is another one. */
async function storeUnlocked(
  rows: readonly Row[],
  cause: unknown,
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<void> {
  dependencies.onRetry?.(describeDatabaseError(cause));
  const locked = new Set<string | null>(
    await dependencies.database.run((sql) => findLockedParents(sql, rows)),
  );
  const isHeld = (row: Row) => [row.session_id, row.device_id, row.workspace_id].some((id) => locked.has(id));
  const free = rows.filter((row) => !isHeld(row));
  if (free.length === rows.length) throw cause;
  const error = new StorageError(
    "A transaction holds the session or device of an event locked.",
    "STORAGE_LOCKED",
  );
  for (const row of rows) if (isHeld(row)) verdicts.set(row.event, { status: "unavailable", error });
  await store(
    free.map((row) => row.event),
    verdicts,
    dependencies,
  );
}

async function resolveRows(
  events: CheckedEvent[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<Row[]> {
  const ids = await dependencies.workspaces.resolve(new Set(events.map((event) => event.workspace)));
  const rows: Row[] = [];
  for (const event of events) {
    const workspace_id = ids.get(event.workspace);
    if (workspace_id === undefined)
      verdicts.set(event, { status: "rejected", error: "workspace_id does not match a workspace" });
    else rows.push({ ...event, workspace_id, event });
  }
  return rows;
}

/** Tries again what is certainly rolled back: a deadlock, or a parent that was deleted behind the cache. */
async function storeWhole(
  rows: Row[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<Flushed> {
  let current = rows;
  let parentsForgotten = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const plan = planFlush(current, dependencies.known);
      const output = await dependencies.runFlush({ events: current, notes: notesOf(current), ...plan });
      return { rows: current, plan, output };
    } catch (error) {
      if (isForeignKeyViolation(error) && !parentsForgotten) {
        parentsForgotten = true;
        dependencies.workspaces.forget();
        dependencies.known.clear();
        current = await resolveRows(
          current.map((row) => row.event),
          verdicts,
          dependencies,
        );
        if (current.length === 0) return { rows: current, plan: NOTHING_PLANNED, output: NOTHING_STORED };
      } else if (!isRetryableConflict(error) || attempt >= CONFLICT_ATTEMPTS_MAX) {
        throw error;
      }
      dependencies.onRetry?.(describeDatabaseError(error));
    }
  }
}

/** Answers with the events that were neither stored nor are there, nor of a deleted session. */
async function settle(
  { rows, plan, output }: Flushed,
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<CheckedEvent[]> {
  dependencies.onFlushed?.();
  const { stored, others } = partition(rows, output);
  for (const { event } of stored) verdicts.set(event, ACCEPTED);
  const event_ids = output.stored_ids ?? plan.projected_ids;
  dependencies.known.add(stored, new Set(event_ids));
  if (output.queue_id !== null) {
    const { touched } = plan;
    await dependencies.projector.project({ id: output.queue_id, event_ids, attempts: 0, touched });
  }
  return others.length === 0 ? [] : await settleOthers(others, verdicts, dependencies);
}

function partition(rows: Row[], { stored_count, stored_ids }: FlushOutput): { stored: Row[]; others: Row[] } {
  if (stored_ids === null)
    return stored_count > 0 ? { stored: rows, others: [] } : { stored: [], others: rows };
  const ids = new Set(stored_ids);
  return { stored: rows.filter((row) => ids.has(row.id)), others: rows.filter((row) => !ids.has(row.id)) };
}

/** An id counts as a duplicate only when it is found. Answers with those that are not, unless their session was deleted. */
async function settleOthers(
  rows: Row[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<CheckedEvent[]> {
  const located = await dependencies.database.run((sql) => locateEvents(sql, rows));
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const notes: IngestNote[] = [];
  const gone: CheckedEvent[] = [];
  for (const { id, found, differs, session_deleted } of located) {
    const row = rowOf.get(id);
    if (row === undefined) throw ledgerBroken();
    if (!found && !session_deleted) {
      gone.push(row.event);
      continue;
    }
    verdicts.set(row.event, found ? DUPLICATE : { status: "rejected", error: "its session was deleted" });
    if (differs) notes.push(differentBody(row));
  }
  await saveNotes(dependencies.database, notes);
  return gone;
}

function notesOf(rows: readonly Row[]): string {
  const notes = rows.flatMap((row) => row.event.notes);
  return notes.length === 0 ? NO_NOTES : JSON.stringify(notes);
}

function ledgerBroken(): StorageError {
  return new StorageError(
    "Events were neither stored nor found: nothing of them is acknowledged.",
    "INGEST_LEDGER_BROKEN",
  );
}
