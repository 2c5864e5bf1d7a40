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

/** A lock of the engine itself lasts a few milliseconds: tries with pauses of 5, 10, 20, 40 and 80 ms. */
const LOCKED_PAUSE_MS = 5;
const LOCKED_TRIES_MAX = 5;

/** Steps, waits, events, progress and logs. Every write is one statement that locks the job's row and checks the lease. */
export function createPostgresDurableStore(sql: PostgresClient): DurableStore {
  async function resumeSteps(lease: Lease, at?: At): Promise<StepRecord[]> {
    const steps = await readSteps(lease, at);
    const waits = steps.filter((step) => step.finishedAt === null);
    if (waits.length === 0) return steps;
    if (waits.some((wait) => wait.kind === "event")) await deliver(at, lease.jobId);
    await endWaits(sql, lease, at?.now);
    return readSteps(lease, at);
  }

  async function readSteps(lease: Lease, at?: At): Promise<StepRecord[]> {
    const rows = await heldSteps(sql, lease, at?.now);
    if (rows.length === 0) await refuse(sql, lease, at?.now);
    return rows.filter((row) => row.name !== null).map(toStep);
  }

  /**
   * Jobs that others keep locked are left for the next call; `awaited` is not. In the pauses no connection is taken: a lock that is held
   * for long must not stop the engine.
   */
  async function deliver(at?: At, awaited?: string): Promise<string[]> {
    const queues = new Set<string>();
    for (let tries = 0; ; ) {
      const { queues: woken, more, locked_jobs } = one(await deliverEvents(sql, at?.now));
      for (const queue of woken) queues.add(queue);
      if (locked_jobs.length === 0) {
        if (!more) return [...queues];
        continue;
      }
      const isLeft =
        awaited === undefined ? tries >= LOCKED_TRIES_MAX : !more && !locked_jobs.includes(awaited);
      if (isLeft) return [...queues];
      await Bun.sleep(LOCKED_PAUSE_MS * 2 ** Math.min(tries, LOCKED_TRIES_MAX));
      tries += 1;
    }
  }

  return {
    resumeSteps,
    deliverEvents: (at) => deliver(at),
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
