import { withTimeLimit } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";

export const storageTimeout = (deadlineMs: number): StorageError =>
  new StorageError(`The database did not answer within ${deadlineMs} ms.`, "STORAGE_TIMEOUT");

/**
 * Waits for a query for at most `deadlineMs`. A frozen or unreachable server answers nothing, so the statement's own
 * timeout does not help; the query itself may still complete. Throws StorageError STORAGE_TIMEOUT.
 */
export function withDeadline<T>(query: PromiseLike<T>, deadlineMs: number): Promise<T> {
  return withTimeLimit(query, deadlineMs, () => {
    throw storageTimeout(deadlineMs);
  });
}
