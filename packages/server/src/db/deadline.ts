import { StorageError } from "../errors.ts";

/**
 * Waits for a query for at most `deadline_ms`. A frozen or unreachable server answers nothing, so the statement's own
 * timeout does not help; the query itself may still complete. Throws StorageError STORAGE_TIMEOUT.
 */
export async function withDeadline<T>(query: PromiseLike<T>, deadline_ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new StorageError(`The database did not answer within ${deadline_ms} ms.`, "STORAGE_TIMEOUT")),
      deadline_ms,
    );
  });
  try {
    return await Promise.race([query, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
