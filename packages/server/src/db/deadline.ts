import { withTimeLimit } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";

export const storageTimeout = (deadline_ms: number): StorageError =>
  new StorageError(`The database did not answer within ${deadline_ms} ms.`, "STORAGE_TIMEOUT");

/**
 * Waits for a query for at most `deadline_ms`. A frozen or unreachable server answers nothing, so the statement's own
 * timeout does not help; the query itself may still complete. Throws StorageError STORAGE_TIMEOUT.
 */
export function withDeadline<T>(query: PromiseLike<T>, deadline_ms: number): Promise<T> {
  return withTimeLimit(query, deadline_ms, () => {
    throw storageTimeout(deadline_ms);
  });
}
