import type { Database } from "./database.ts";
import { isTooSlow } from "./database-errors.ts";
import type { Sql } from "./postgres.ts";

/** Deletes up to `rowsMax` rows in one statement; answers how many. Fewer than that: none is left. */
export type Piece = (sql: Sql, rowsMax: number) => Promise<number>;

export type DeletionOptions = {
  /** Looked at before each statement. */
  signal?: AbortSignal | undefined;
  /** Rows of the first statement; fewer where a row takes others along. */
  rowsFirst?: number;
  onDeleted?: (rows: number) => void;
};

/** True: nothing is left. False: the signal was aborted before; what was deleted until then is committed. */
export type DeleteInPieces = (piece: Piece, options?: DeletionOptions) => Promise<boolean>;

/** The duration of locks, and the delay of a signal. */
const STATEMENT_TARGET_MS = 250;
const ROWS_FIRST = 1_000;
const ROWS_MIN = 10;
/** 15 µs an event with its five indexes: no statement of the target's length takes more. */
const ROWS_MAX = 20_000;
const GROWTH_MAX = 2;
/** After a statement that was cut off: the rows are far larger than those before. */
const SHRINKAGE = 10;

/**
 * Deletes many rows in short statements, each committed separately. The number of
 * rows adapts to the time that the last statement took. All deletions over one `database` take turns, one statement at a time.
 * Throws what a statement throws, a time-out only when a few rows take too long. `now`: milliseconds of a clock that never goes back.
 */
export function createDeleteInPieces(database: Database, now = () => performance.now()): DeleteInPieces {
  let last: Promise<unknown> = Promise.resolve();

  /** The wait for a turn must not count as the statement's time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  return async function deleteInPieces(piece, { signal, rowsFirst = ROWS_FIRST, onDeleted } = {}) {
    let rowsMax = rowsFirst;
    while (signal?.aborted !== true) {
      const { rows, next } = await inTurn(() => deletePiece(database, piece, rowsMax, now));
      if (rows !== null && rows > 0) onDeleted?.(rows);
      if (rows !== null && rows < rowsMax) return true;
      rowsMax = next;
    }
    return false;
  };
}

/** The rows of a table with this id in a column; those that are locked are left. */
export function rowsOf(table: string, column: "session_id" | "workspace_id", id: string): Piece {
  return async (sql, rowsMax) => {
    const { count } = await sql`
      DELETE FROM ${sql(table)} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${sql(table)} WHERE ${sql(column)} = ${id} LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED
      ))`;
    return count;
  };
}

/** `rows` null: the statement took too long and deleted nothing. `next`: how many rows the next one should take. */
async function deletePiece(database: Database, piece: Piece, rowsMax: number, now: () => number) {
  const beginMs = now();
  try {
    const rows = await database.run((sql) => piece(sql, rowsMax));
    return { rows, next: fitting(rowsMax, now() - beginMs) };
  } catch (error) {
    if (!isTooSlow(error) || rowsMax <= ROWS_MIN) throw error;
    return { rows: null, next: Math.max(ROWS_MIN, Math.floor(rowsMax / SHRINKAGE)) };
  }
}

function fitting(rows: number, elapsedMs: number): number {
  const factor = Math.min(GROWTH_MAX, STATEMENT_TARGET_MS / Math.max(1, elapsedMs));
  return Math.min(ROWS_MAX, Math.max(ROWS_MIN, Math.floor(rows * factor)));
}
