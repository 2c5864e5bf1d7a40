import type { Sql } from "postgres";
import type { Hints } from "../../contract/driver.ts";
import { JobDatabaseTimeoutError } from "../../contract/errors.ts";
import { withTimeLimit } from "../../contract/time-limit.ts";
import { CANCELLED_CHANNEL } from "./sql/cancel-job.ts";
import { RUNNABLE_CHANNEL } from "./sql/enqueue-jobs.ts";
import { EVENT_CHANNEL } from "./sql/store-event.ts";

/** A connection that only listens does not notice that it leads nowhere: so often it is asked. */
const CHECK_EVERY_MS = 30_000;
const CHECK_CHANNEL = "job_runner_check";

/**
 * Listens on a connection of its own, which reconnects by itself and is replaced when it does not answer; what it missed
 * meanwhile, polling finds. Never rejects: what fails is told to the hints and made up for by a later check.
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

  /** At once: nothing is lost with it. */
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
