import { errorCode, isDataError } from "@wharf/job-runner";
import { StorageError, WharfError } from "../errors.ts";
import { describeRefusal, describeTlsError, TLS_CODES } from "./connection-refusals.ts";
import { CONNECTIONS_MIN } from "./pool-sizes.ts";

export { errorCode, isDataError };

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ERR_SOCKET_CLOSED",
]);
/** Postgres refused the connection: no statement was sent. */
export const TOO_MANY_CONNECTIONS = "53300";

/** The statement alone was ended. */
const QUERY_CANCELED = "57014";

/** admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections, query_canceled by the statement timeout, read-only after a failover. */
const UNAVAILABLE_STATES = new Set([
  "57P01",
  "57P02",
  "57P03",
  TOO_MANY_CONNECTIONS,
  QUERY_CANCELED,
  "25006",
]);

/**
 * The next statement needs a new connection: the backend that ran this one is gone, cannot be waited for any longer, or belongs to a
 * server that became a standby.
 */
export function isConnectionLost(error: unknown): boolean {
  return isUnavailable(error) && errorCode(error) !== QUERY_CANCELED;
}

/** The database is unavailable, refuses connections, or is too slow. The statement may or may not have been committed. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StorageError)
    return error.code === "STORAGE_TIMEOUT" || error.code === "STORAGE_UNAVAILABLE";
  const code = errorCode(error);
  if (code === undefined) return false;
  return (
    CONNECTION_CODES.has(code) || TLS_CODES.has(code) || UNAVAILABLE_STATES.has(code) || code.startsWith("08")
  );
}

/** The statement took longer than it may: a smaller one may succeed. */
export function isTooSlow(error: unknown): boolean {
  return errorCode(error) === QUERY_CANCELED || errorCode(error) === "STORAGE_TIMEOUT";
}

/** SQLSTATE class 53 but for connections, an I/O error of Postgres; a full disk or quota of the blob store's directory. */
const OUT_OF_SPACE = new Set(["53100", "53200", "58030", "ENOSPC", "EDQUOT"]);

/** The disk is full, or another resource of the server is used up. */
export function isOutOfSpace(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && OUT_OF_SPACE.has(code);
}

/** A value that no column or index takes: SQLSTATE class 22 (data exception) or 54 (program limit). */
export function isUnstorableValue(error: unknown): boolean {
  return isDataError(error) && errorCode(error)?.startsWith("23") === false;
}

export function isForeignKeyViolation(error: unknown): boolean {
  return errorCode(error) === "23503";
}

/** A lock was not obtained within lock_timeout. */
export function isLocked(error: unknown): boolean {
  return errorCode(error) === "55P03" || errorCode(error) === "STORAGE_LOCKED";
}

/** Deadlock or serialization failure: certainly rolled back, worth the same statement again. */
export function isRetryableConflict(error: unknown): boolean {
  const code = errorCode(error);
  return code === "40P01" || code === "40001";
}

/**
 * What may be said of a database error outside: the server's own message for SQL errors, the code for the rest.
 * The driver puts connection strings, parameters and row values into other fields; none of them is read.
 */
export function describeDatabaseError(error: unknown): string {
  if (error instanceof WharfError) return error.message;
  const code = errorCode(error);
  if (code === "ECONNREFUSED")
    return "connection refused (ECONNREFUSED): is Postgres running at the address in DATABASE_URL?";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `the host name in DATABASE_URL cannot be resolved (${code})`;
  if (code === "28P01")
    return "the database refused the credentials (28P01): check the user and password in DATABASE_URL";
  if (code === "28000") return describeRefusal(error);
  if (code !== undefined && TLS_CODES.has(code)) return describeTlsError(code);
  if (code === TOO_MANY_CONNECTIONS) {
    return `the database has no free connection (53300): a process needs at least ${CONNECTIONS_MIN}; lower WHARF_DB_CONNECTIONS of all processes to their share of max_connections - 3, raise max_connections or its limit for the role or database, or run fewer processes`;
  }
  if (code === "3D000" && lacksFiles(error)) {
    return "the database's files are missing in the Postgres data directory (3D000): restore the directory, or restore a backup into an empty database";
  }
  if (code === "3D000") return "the database named in DATABASE_URL does not exist (3D000): create it first";
  if (code !== undefined && CONNECTION_CODES.has(code)) return `no connection to the database (${code})`;
  if (isFileError(error)) return `cannot ${error.syscall} ${error.path} (${code})`;
  if (code !== undefined && code.length === 5) return `${sqlMessage(error)} (SQLSTATE ${code})`;
  return code === undefined ? "unexpected database error" : `database error (${code})`;
}

/** An error of the file system, such as a folder that cannot be created: it has nothing to do with the database. */
function isFileError(error: unknown): error is { syscall: string; path: string } {
  return (
    typeof error === "object" &&
    error !== null &&
    "syscall" in error &&
    "path" in error &&
    typeof error.syscall === "string" &&
    typeof error.path === "string"
  );
}

/** Of a database that is there, but for its folder, the server says in its detail: 'The database subdirectory "base/5" is missing.' */
function lacksFiles(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("detail" in error)) return false;
  return typeof error.detail === "string" && error.detail.startsWith("The database subdirectory");
}

/** Class 22 and 23 messages can quote values of the row ("invalid input syntax for type …: \"secret\""); those are cut. */
function sqlMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : "database error";
  return isDataError(error) ? message.replace(/:? ?".*$/s, "").slice(0, 200) : message.slice(0, 500);
}
