import { setTimeout as delay } from "node:timers/promises";
import { withTimeLimit } from "@wharf/job-runner";

/** Resolves after `ms`, or as soon as the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** Resolves when the promise does, or after `ms`. */
export function within(promise: Promise<void>, ms: number): Promise<void> {
  return withTimeLimit(promise, ms, () => undefined);
}
