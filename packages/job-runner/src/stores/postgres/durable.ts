import { errorCode } from "../../contract/database-errors.ts";
import type { At, Lease, PostgresClient } from "../../contract/driver.ts";
import type { DurableStore, LogLine, StepRecord } from "../../contract/durable-store.ts";
import { one } from "../../contract/one.ts";
import { toAttempt } from "../job-row.ts";
import { refuse } from "./refusals.ts";
import { deliverEvents } from "./sql/deliver-events.ts";
import { appendLog, type LogRow, selectLog, setProgress } from "./sql/progress-log.ts";
import { selectAttempts } from "./sql/select-attempts.ts";
import { endWaits, heldSteps, type StepRow, saveStep, selectSteps, suspendJob } from "./sql/steps.ts";
import { storeEvent } from "./sql/store-event.ts";

/**
 * Between tries for jobs that others have locked: a lock of the engine itself lasts a few milliseconds. Meanwhile no connection is
 * taken, so that a lock that is held for long does not stop the engine.
 */
const LOCKED_PAUSES_MS: readonly number[] = [5, 10, 20, 40, 80];

const UNIQUE_VIOLATION = "23505";

/** Steps, waits, events, progress and logs. Every write is one statement that locks the job's row and checks the lease. */
export function createPostgresDurableStore(sql: PostgresClient): DurableStore {
  async function resumeSteps(lease: Lease, at?: At): Promise<StepRecord[]> {
    const steps = await readSteps(lease, at);
    if (steps.every((step) => step.finishedAt !== null)) return steps;
    await endWaits(sql, lease, at?.now).catch((error: unknown) => {
      // A delivery that this waited for gave an event to another wait of the job: a newer snapshot shows it.
      if (errorCode(error) !== UNIQUE_VIOLATION) throw error;
      return endWaits(sql, lease, at?.now);
    });
    return readSteps(lease, at);
  }

  async function readSteps(lease: Lease, at?: At): Promise<StepRecord[]> {
    const rows = await heldSteps(sql, lease, at?.now);
    if (rows.length === 0) await refuse(sql, lease, at?.now);
    return rows.filter((row) => row.name !== null).map(toStep);
  }

  /** Jobs that stay locked are left for the next call. */
  async function deliver(at?: At): Promise<string[]> {
    const queues = new Set<string>();
    const pauses = LOCKED_PAUSES_MS.values();
    for (;;) {
      const { queues: woken, more, is_locked } = one(await deliverEvents(sql, at?.now));
      for (const queue of woken) queues.add(queue);
      if (!more && !is_locked) return [...queues];
      if (!is_locked) continue;
      const pause = pauses.next().value;
      if (pause === undefined) return [...queues];
      await Bun.sleep(pause);
    }
  }

  return {
    resumeSteps,
    deliverEvents: deliver,
    async saveStep(lease, step, at) {
      const rows = await saveStep(sql, lease, step, at?.now);
      if (rows.length === 0) await refuse(sql, lease, at?.now);
    },
    async suspend(lease, waits, at) {
      const [row] = await suspendJob(sql, lease, waits, at?.now);
      if (row === undefined) await refuse(sql, lease, at?.now);
      return row?.wake_in_ms ?? null;
    },
    async storeEvent(event, options) {
      const transaction = options?.transaction;
      const stored = { notify: transaction !== undefined, now: options?.now };
      const row = one(await storeEvent(transaction ?? sql, event, stored));
      return row;
    },
    async setProgress(lease, progress, at) {
      const rows = await setProgress(sql, lease, progress, at?.now);
      if (rows.length === 0) await refuse(sql, lease, at?.now);
    },
    async appendLog(lease, lines, at) {
      const rows = await appendLog(sql, lease, lines, at?.now);
      if (rows.length === 0) await refuse(sql, lease, at?.now);
    },
    stepsOf: async (jobId) => (await selectSteps(sql, jobId)).map(toStep),
    attemptsOf: async (jobId) => (await selectAttempts(sql, jobId)).map(toAttempt),
    logOf: async (jobId, page) => (await selectLog(sql, jobId, page)).map(toLogLine),
  };
}

function toStep(row: StepRow): StepRecord {
  const { event_name: name, event_key: key } = row;
  return {
    name: row.name,
    kind: row.kind,
    finishedAt: row.finished_at,
    output: row.output === null ? undefined : JSON.parse(row.output),
    wakeAt: row.wake_at,
    event: name === null || key === null ? null : { name, key },
    eventId: row.event_id,
    createdAt: row.created_at,
  };
}

function toLogLine({ logged_at, ...row }: LogRow): LogLine {
  return { ...row, loggedAt: logged_at };
}
