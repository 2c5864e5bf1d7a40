import type { Database } from "../db/database.ts";
import {
  describeDatabaseError,
  isDataError,
  isForeignKeyViolation,
  isOutOfSpace,
  isRetryableConflict,
  isUnavailable,
} from "../db/database-errors.ts";
import { compareWithStored } from "../db/events.ts";
import { type FlushOutput, flushEvents, flushEventsAlone } from "../db/flush-events.ts";
import { matchGitActivity } from "../db/git-activity.ts";
import { type IngestNote, insertNotes } from "../db/ingest-notes.ts";
import { StorageError } from "../errors.ts";
import type { CheckedEvent } from "./check-event.ts";
import type { WorkspaceResolver } from "./workspace-resolver.ts";
import type { Outcome } from "./writer.ts";

export type FlushDependencies = {
  database: Database;
  workspaces: WorkspaceResolver;
  onRetry?: (reason: string) => void;
};

type Row = { event: CheckedEvent; json: string };
type Verdicts = Map<string, Outcome>;

const CONFLICT_ATTEMPTS_MAX = 5;
const ACCEPTED: Outcome = { status: "accepted" };
const DUPLICATE: Outcome = { status: "duplicate" };

/**
 * Stores the events of many requests together: one statement, sorted by id, answered after its commit.
 * Data that Postgres refuses is found by halving, so that it is rejected alone; a projection that fails leaves the event
 * stored and noted for later. Throws when the database is away, too slow or full: nothing is acknowledged then.
 */
export function createFlush(dependencies: FlushDependencies) {
  return async function flush(events: readonly CheckedEvent[]): Promise<Outcome[]> {
    const firstById = new Map<string, CheckedEvent>();
    for (const event of events) if (!firstById.has(event.id)) firstById.set(event.id, event);
    const verdicts: Verdicts = new Map();
    await store([...firstById.values()].sort(byId), verdicts, dependencies);
    return events.map((event) => {
      const verdict = verdicts.get(event.id);
      if (verdict === undefined)
        throw new StorageError("An event was left without a result.", "INGEST_LEDGER_BROKEN");
      const isRepeat = firstById.get(event.id) !== event;
      return isRepeat && verdict.status === "accepted" ? DUPLICATE : verdict;
    });
  };
}

function byId(a: CheckedEvent, b: CheckedEvent): number {
  return a.id < b.id ? -1 : 1;
}

async function store(
  events: CheckedEvent[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<void> {
  const rows = await resolveRows(events, verdicts, dependencies);
  if (rows.length === 0) return;
  try {
    await storeWhole(rows, verdicts, dependencies);
  } catch (error) {
    if (isUnavailable(error) || isOutOfSpace(error)) throw error;
    dependencies.onRetry?.(describeDatabaseError(error));
    if (rows.length === 1 || !isDataError(error))
      return await storeAlone(rows, error, verdicts, dependencies);
    const middle = Math.ceil(rows.length / 2);
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      await store(
        half.map((row) => row.event),
        verdicts,
        dependencies,
      );
    }
  }
}

async function resolveRows(
  events: CheckedEvent[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<Row[]> {
  const references = new Set(events.map((event) => event.workspace));
  const ids = await dependencies.workspaces.resolve(references);
  const rows: Row[] = [];
  for (const event of events) {
    const id = ids.get(event.workspace);
    if (id === undefined)
      verdicts.set(event.id, { status: "rejected", error: "workspace_id names no workspace" });
    else rows.push({ event, json: `${event.json},"workspace_id":"${id}"}` });
  }
  return rows;
}

/** Tries again what is certainly rolled back: a deadlock, or a parent that was deleted behind the cache. */
async function storeWhole(rows: Row[], verdicts: Verdicts, dependencies: FlushDependencies): Promise<void> {
  let parentsForgotten = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const output = await dependencies.database.run((sql) => flushEvents(sql, inputOf(rows), rows.length));
      await settle(rows, output, verdicts, dependencies);
      return;
    } catch (error) {
      if (isForeignKeyViolation(error) && !parentsForgotten) {
        parentsForgotten = true;
        dependencies.workspaces.forget();
        const again = await resolveRows(
          rows.map((row) => row.event),
          verdicts,
          dependencies,
        );
        if (again.length === 0) return;
        rows = again;
      } else if (!isRetryableConflict(error) || attempt >= CONFLICT_ATTEMPTS_MAX) {
        throw error;
      }
      dependencies.onRetry?.(describeDatabaseError(error));
    }
  }
}

async function settle(
  rows: Row[],
  output: FlushOutput,
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<void> {
  const stored = output.stored_ids === null ? null : new Set(output.stored_ids);
  const deleted = new Set(output.deleted_session_event_ids ?? []);
  const others: Row[] = [];
  for (const row of rows) {
    if (output.stored_count === rows.length || stored?.has(row.event.id))
      verdicts.set(row.event.id, ACCEPTED);
    else if (deleted.has(row.event.id))
      verdicts.set(row.event.id, { status: "rejected", error: "its session was deleted" });
    else others.push(row);
  }
  if (others.length > 0) await settleDuplicates(others, verdicts, dependencies);
  const { changed_session_ids, unmatched_git_ids } = output;
  if (changed_session_ids !== null || unmatched_git_ids !== null) {
    await dependencies.database.run((sql) =>
      matchGitActivity(sql, unmatched_git_ids ?? [], changed_session_ids ?? []),
    );
  }
}

/** An id counts as a duplicate only when it is found; what was neither stored nor found makes the flush an error. */
async function settleDuplicates(
  rows: Row[],
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<void> {
  const found = await dependencies.database.run((sql) => compareWithStored(sql, inputOf(rows).events));
  if (found.length !== rows.length) {
    throw new StorageError(
      "Events were neither stored nor found: nothing of them is acknowledged.",
      "INGEST_LEDGER_BROKEN",
    );
  }
  const bodies = new Map(rows.map((row) => [row.event.id, row]));
  const notes: IngestNote[] = [];
  for (const { id, differs } of found) {
    verdicts.set(id, DUPLICATE);
    const row = bodies.get(id);
    if (!differs || row === undefined) continue;
    const detail = "another body under a known id; the first one stays";
    notes.push({
      event_id: id,
      device_id: row.event.device_id,
      kind: "different_body",
      detail,
      body: row.json,
    });
  }
  await dependencies.database.run((sql) => insertNotes(sql, notes));
}

async function storeAlone(
  rows: Row[],
  cause: unknown,
  verdicts: Verdicts,
  dependencies: FlushDependencies,
): Promise<void> {
  try {
    const reason = describeDatabaseError(cause);
    const stored = new Set(
      await dependencies.database.run((sql) => flushEventsAlone(sql, inputOf(rows), reason)),
    );
    const others = rows.filter((row) => !stored.has(row.event.id));
    for (const id of stored) verdicts.set(id, ACCEPTED);
    if (others.length > 0) await settleDuplicates(others, verdicts, dependencies);
  } catch (error) {
    if (rows.length > 1 || !isDataError(error)) throw error;
    for (const row of rows) {
      verdicts.set(row.event.id, {
        status: "rejected",
        error: `the database refused it: ${describeDatabaseError(error)}`,
      });
    }
  }
}

function inputOf(rows: readonly Row[]) {
  return {
    events: `[${rows.map((row) => row.json).join(",")}]`,
    notes: JSON.stringify(rows.flatMap((row) => row.event.notes)),
    hasRelations: rows.some((row) => row.event.hasRelations),
  };
}
