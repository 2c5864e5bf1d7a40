import { isRetryableConflict } from "../db/database-errors.ts";

export const CONFLICT_ATTEMPTS_MAX = 5;

/** Runs again what a deadlock or a serialization failure rolled back. Throws everything else, and the last conflict. */
export async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!isRetryableConflict(error) || attempt >= CONFLICT_ATTEMPTS_MAX) throw error;
    }
  }
}
