import { StorageError } from "../errors.ts";
import { pause } from "../waits.ts";
import { TLS_CODES } from "./connection-refusals.ts";
import { describeDatabaseError, errorCode, isUnavailable } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";
import { createDb, HEALTH_TIMEOUT_MS } from "./postgres.ts";

export type WaitOptions = {
  /** From the first attempt; 0 is one attempt. */
  deadlineMs: number;
  /** Ends the wait. */
  stopping?: AbortSignal;
  /** Called when the wait begins, and every REPORT_INTERVAL_MS; the reason holds nothing secret. */
  onWait: (waitedMs: number, reason: string) => void;
};

const ATTEMPT_INTERVAL_MS = 250;
const REPORT_INTERVAL_MS = 5_000;
/** The code of the error of a wait that was ended from outside. */
export const WAIT_STOPPED = "STORAGE_WAIT_STOPPED";

/**
 * Resolves when the database takes connections: it may be started together with the server, and later. Only an error that can pass with time is
 * waited for, so not for a wrong password, a missing database or a certificate. Throws StorageError.
 */
export async function waitForDatabase(url: string, options: WaitOptions): Promise<void> {
  const startedAt = performance.now();
  let reportAt = 0;
  for (;;) {
    const error = await attempt(url);
    if (error === null) return;
    const waitedMs = Math.round(performance.now() - startedAt);
    const reason = describeDatabaseError(error);
    if (!isWorthWaiting(error))
      throw new StorageError(`The database refused the connection: ${reason}.`, "STORAGE_REFUSED");
    if (waitedMs >= options.deadlineMs) throw tooLate(waitedMs, reason, error);
    if (waitedMs >= reportAt) {
      options.onWait(waitedMs, reason);
      reportAt = waitedMs + REPORT_INTERVAL_MS;
    }
    await pause(Math.min(ATTEMPT_INTERVAL_MS, options.deadlineMs - waitedMs), options.stopping);
    if (options.stopping?.aborted === true)
      throw new StorageError("The wait for the database was stopped.", WAIT_STOPPED);
  }
}

/** Over a connection of its own: one that leads into a black hole would keep the next attempt waiting. */
async function attempt(url: string): Promise<unknown> {
  const sql = createDb(url, {
    // No settings: there may be a pooler that refuses them.
    isPooled: true,
    max: 1,
    connectTimeoutS: HEALTH_TIMEOUT_MS / 1000,
  });
  try {
    await withDeadline(sql`SELECT 1`, HEALTH_TIMEOUT_MS);
    return null;
  } catch (error) {
    return error;
  } finally {
    sql.end({ timeout: 0 }).catch(() => undefined);
  }
}

function isWorthWaiting(error: unknown): boolean {
  return isUnavailable(error) && !TLS_CODES.has(errorCode(error) ?? "");
}

function tooLate(waitedMs: number, reason: string, error: unknown): StorageError {
  const waited = waitedMs < 1_000 ? "" : ` after ${Math.round(waitedMs / 1000)} s (WHARF_DATABASE_WAIT_S)`;
  const end =
    errorCode(error) === "ECONNREFUSED" ? " Or unset DATABASE_URL to use the embedded Postgres." : ".";
  return new StorageError(`The database is unavailable${waited}: ${reason}${end}`, "STORAGE_UNAVAILABLE");
}
