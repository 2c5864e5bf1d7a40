import type { Sql } from "postgres";
import { CANCELLED_CHANNEL } from "../sql/cancel-job.ts";
import { RUNNABLE_CHANNEL } from "../sql/enqueue-jobs.ts";
import { EVENT_CHANNEL } from "../sql/store-event.ts";
import type { Hints } from "./driver.ts";

/** Listens on a connection of its own, which reconnects by itself; what it missed meanwhile, polling finds. */
export async function listenForHints(sql: Sql, hints: Hints) {
  const runnable = await sql.listen(RUNNABLE_CHANNEL, (queue) => hints.onRunnable(queue));
  const cancelled = await sql.listen(CANCELLED_CHANNEL, (jobId) => hints.onCancelled(jobId));
  const event = await sql.listen(EVENT_CHANNEL, () => hints.onEvent());
  async function close() {
    await Promise.all([runnable.unlisten(), cancelled.unlisten(), event.unlisten()]);
  }
  return { close };
}
