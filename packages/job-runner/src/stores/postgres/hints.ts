import type { Sql } from "postgres";
import type { Hints } from "../../contract/driver.ts";
import { JobDatabaseTimeoutError } from "../../contract/errors.ts";
import { withTimeLimit } from "../../contract/time-limit.ts";
import { CANCELLED_CHANNEL } from "./sql/cancel-job.ts";
import { RUNNABLE_CHANNEL } from "./sql/enqueue-jobs.ts";
import { EVENT_CHANNEL } from "./sql/store-event.ts";

/** How often a listening connection is checked: it does not notice a lost server by itself. */
const CHECK_EVERY_MS = 30_000;
const CHECK_CHANNEL = "job_runner_check";

/**
 * Listens on its own connection, which reconnects automatically and is replaced when it does not respond; polling finds missed
 * jobs. Never rejects: failures are reported to the hints, and a later check retries.
 */
export async function listenForHints(
  open: () => Sql,
  hints: Hints,
  deadlineMs: number,
): Promise<{
  check: () => Promise<void>;
  close: () => Promise<void>;
}> {
  let client = open();
  let isListening = false;

  async function subscribe(): Promise<void> {
    const subscribed = Promise.all([
      client.listen(RUNNABLE_CHANNEL, (queue) => hints.onRunnable(queue)),
      client.listen(CANCELLED_CHANNEL, (jobId) => hints.onCancelled(jobId)),
      client.listen(EVENT_CHANNEL, () => hints.onEvent()),
    ]);
    await withTimeLimit(subscribed, deadlineMs, (limitMs) => {
      throw new JobDatabaseTimeoutError(limitMs);
    });
    isListening = true;
  }

  async function isAnswered(): Promise<boolean> {
    const answer = client.listen(CHECK_CHANNEL, () => undefined).then(({ unlisten }) => unlisten());
    return withTimeLimit(
      answer.then(
        () => true,
        () => false,
      ),
      deadlineMs,
      () => false,
    );
  }

  async function check(): Promise<void> {
    if (isListening && (await isAnswered())) return;
    isListening = false;
    end();
    client = open();
    await subscribe().catch(hints.onError);
  }

  /** Immediately: nothing is pending on it. */
  function end(): void {
    client.end({ timeout: 0 }).catch(() => undefined);
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    end();
  }

  await subscribe().catch(hints.onError);
  const timer = setInterval(() => void check(), CHECK_EVERY_MS);
  return { check, close };
}
