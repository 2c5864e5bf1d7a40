import { errorCode, isDataError } from "../contract/database-errors.ts";
import {
  JobDatabaseTimeoutError,
  JobNotInflightError,
  JobRunnerError,
  JobStoreRefusedError,
  LeaseExpiredError,
  LeaseMismatchError,
} from "../contract/errors.ts";
import { type Backoff, backoffMs } from "./backoff.ts";

const LEASE_REFUSALS = [JobNotInflightError, LeaseExpiredError, LeaseMismatchError];
/** SQLSTATE classes of a database that is unavailable, full or busy, or of a conflict with another statement. */
const AWAY_STATES = /^(08|25006|40|53|55|57|58)/;
const SQLSTATE = /^\d[0-9A-Z]{4}$/;
/** The statement took too long: the database is available, but may need a smaller statement. */
const TOO_SLOW_STATE = "57014";
const AWAY_CODES =
  /^(E(?!RR_)[A-Z_]+|CONN[A-Z_]+|ERR_SOCKET_CLOSED|STORAGE_UNAVAILABLE|SQLITE_(BUSY|LOCKED|FULL|IOERR)[A-Z_]*)$/;
const REFUSED_CODES = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)[A-Z_]*$/;
const REASON_MAX_LENGTH = 300;

const RESEND_BACKOFF: Backoff = { baseMs: 20, factor: 2, maxMs: 1000, jitter: 0.2 };
/** About six seconds for unknown errors, and five minutes for an unavailable database. */
const ERRORS_MAX = { unknown: 10, away: 300 };

/**
 * Classes of failed writes. `lease`: the lease is lost. `refused`: the values are rejected permanently. `away`: the database is
 * unavailable for now. `unknown`: worth a few retries.
 */
export type WriteVerdict = "lease" | "refused" | "away" | "unknown";

/** The only place that decides which errors of the store are temporary. */
export function verdictOn(error: unknown): WriteVerdict {
  if (LEASE_REFUSALS.some((kind) => error instanceof kind)) return "lease";
  if (error instanceof JobDatabaseTimeoutError) return "unknown";
  if (error instanceof JobRunnerError || error instanceof RangeError) return "refused";
  if (isDataError(error)) return "refused";
  const code = errorCode(error) ?? "";
  if (!SQLSTATE.test(code)) {
    return REFUSED_CODES.test(code) ? "refused" : AWAY_CODES.test(code) ? "away" : "unknown";
  }
  return AWAY_STATES.test(code) && code !== TOO_SLOW_STATE ? "away" : "unknown";
}

export type Resend = {
  /** False: the lease is lost, and nothing may be written. */
  isHeld(): boolean;
  onError(error: unknown): void;
  /** Maximum of errors of each class; the last one is thrown. */
  readonly errorsMax?: Partial<typeof ERRORS_MAX>;
};

/** Retries a write while its error is temporary and the lease holds. Throws the last error. */
export async function resend<T>(send: () => Promise<T>, { isHeld, onError, errorsMax }: Resend): Promise<T> {
  const limits = { ...ERRORS_MAX, ...errorsMax };
  for (let failures = 1; ; failures += 1) {
    try {
      return await send();
    } catch (error) {
      const verdict = verdictOn(error);
      if (verdict === "lease") throw error;
      onError(error);
      if (verdict === "refused" || failures >= limits[verdict]) throw error;
      await Bun.sleep(backoffMs(failures, RESEND_BACKOFF));
      if (!isHeld()) throw error;
    }
  }
}

/** The error for a job whose write was rejected, without the values quoted by the store. */
export function storeRefusal(jobId: string, what: string, error: unknown): Error {
  if (error instanceof JobRunnerError) return error;
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : typeof error;
  const reason = message.replace(/:? ?".*$/s, "").slice(0, REASON_MAX_LENGTH);
  return new JobStoreRefusedError(jobId, what, code === undefined ? reason : `${reason} (${code})`);
}
