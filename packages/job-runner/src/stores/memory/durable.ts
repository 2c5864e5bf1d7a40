import type { Lease } from "../../contract/driver.ts";
import { type DurableStore, type EventAddress, LOG_LINES_MAX } from "../../contract/durable-store.ts";
import { UnsupportedByDriverError } from "../../contract/errors.ts";
import { attemptsOf } from "./attempts.ts";
import { endLease, type MemoryJob, NEVER } from "./job.ts";
import { type MemoryEvent, type MemoryStep, newMemoryWait, toStepRecord } from "./steps.ts";
import { type MemoryStore, microsOf, throwIfRefused } from "./store.ts";

/** Steps, waits, events, progress and logs of the memory driver. */
export function createMemoryDurableStore(store: MemoryStore): DurableStore {
  return { ...stepOperations(store), ...eventOperations(store), ...noteOperations(store) };
}

function stepOperations(store: MemoryStore) {
  const { underLease } = store;

  return {
    async resumeSteps(lease, at) {
      const now = microsOf(at);
      deliver(store, now);
      throwIfRefused(underLease(lease, now, () => undefined));
      const steps = [...stepsOf(store, lease.jobId).values()];
      for (const step of steps) if ((step.wakeAt ?? NEVER) <= now) step.finishedAt ??= now;
      return steps.map(toStepRecord).sort((left, right) => (left.name < right.name ? -1 : 1));
    },
    async saveStep(lease, { name, output }, at) {
      const now = microsOf(at);
      const step = { name, kind: "step", wakeAt: null, event: null, eventId: null, createdAt: now } as const;
      const save = () => stepsOf(store, lease.jobId).set(name, { ...step, output, finishedAt: now });
      throwIfRefused(underLease(lease, now, save));
    },
    async suspend(lease, waits, at) {
      const now = microsOf(at);
      let runAt: bigint = NEVER;
      const suspend = (job: MemoryJob) => {
        const steps = stepsOf(store, job.id);
        for (const wait of waits) {
          const step = steps.get(wait.name) ?? newMemoryWait(wait, now);
          steps.set(wait.name, step);
          const wakeAt = step.finishedAt === null ? (step.wakeAt ?? NEVER) : now;
          if (wakeAt < runAt) runAt = wakeAt;
        }
        endLease(job, "queued", now);
        job.runAt = runAt > now ? runAt : now;
      };
      throwIfRefused(underLease(lease, now, suspend));
      return runAt === NEVER ? null : Math.max(0, Number(runAt - now) / 1000);
    },
    async stepsOf(jobId) {
      const steps = [...(store.durable.steps.get(jobId)?.values() ?? [])];
      return steps.sort((left, right) => Number(left.createdAt - right.createdAt)).map(toStepRecord);
    },
  } satisfies Partial<DurableStore>;
}

function eventOperations(store: MemoryStore) {
  const { durable } = store;

  return {
    async storeEvent(event, options) {
      if (options?.transaction) throw new UnsupportedByDriverError("A transaction", "memory");
      const known = durable.events.find(
        ({ name, id }) => id !== undefined && id === event.id && name === event.name,
      );
      if (known !== undefined) return { id: known.storeId, existed: true };
      durable.lastEventId += 1;
      const storeId = String(durable.lastEventId);
      durable.events.push({ ...event, storeId, createdAt: microsOf(options) });
      return { id: storeId, existed: false };
    },
    deliverEvents: async (at) => deliver(store, microsOf(at)),
  } satisfies Partial<DurableStore>;
}

function noteOperations({ jobs, durable, underLease }: MemoryStore) {
  return {
    async setProgress(lease, progress, at) {
      const now = microsOf(at);
      const set = (job: MemoryJob) => Object.assign(job, { progress, updatedAt: now });
      throwIfRefused(underLease(lease, now, set));
    },
    async appendLog(lease, lines, at) {
      const append = ({ id }: MemoryJob) => {
        const log = durable.logs.get(id) ?? [];
        for (const line of lines) if (log.length < LOG_LINES_MAX) log.push({ ...line, line: log.length + 1 });
        durable.logs.set(id, log);
      };
      throwIfRefused(underLease(lease, microsOf(at), append));
    },
    async attemptsOf(jobId) {
      const job = jobs.get(jobId);
      return job === undefined ? [] : attemptsOf(job);
    },
    async logOf(jobId, { limit, after = 0 }) {
      return (durable.logs.get(jobId) ?? []).slice(after, after + limit);
    },
  } satisfies Partial<DurableStore>;
}

/** Ends every wait that has an event; returns the queues of the jobs that became runnable. */
function deliver(store: MemoryStore, now: bigint): string[] {
  const queues = new Set<string>();
  for (const [jobId, steps] of store.durable.steps) {
    const job = store.jobs.get(jobId);
    if (job === undefined) continue;
    for (const wait of openWaits(steps)) {
      const event = store.durable.events.find((candidate) => isFor(candidate, wait, job, steps));
      if (event === undefined) continue;
      Object.assign(wait, { output: event.payload, eventId: event.storeId, finishedAt: now });
      if (job.status !== "queued") continue;
      Object.assign(job, { runAt: now, updatedAt: now });
      store.update(job);
      queues.add(job.queue);
    }
  }
  return [...queues];
}

function openWaits(steps: ReadonlyMap<string, MemoryStep>): (MemoryStep & { event: EventAddress })[] {
  return [...steps.values()]
    .filter(
      (step): step is MemoryStep & { event: EventAddress } => step.event !== null && step.finishedAt === null,
    )
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function isFor(
  event: MemoryEvent,
  wait: { event: EventAddress },
  job: MemoryJob,
  steps: ReadonlyMap<string, MemoryStep>,
): boolean {
  const isReceived = [...steps.values()].some((step) => step.eventId === event.storeId);
  const { name, key } = wait.event;
  return event.name === name && event.key === key && event.createdAt >= job.createdAt && !isReceived;
}

function stepsOf({ durable }: MemoryStore, jobId: Lease["jobId"]): Map<string, MemoryStep> {
  const steps = durable.steps.get(jobId) ?? new Map<string, MemoryStep>();
  durable.steps.set(jobId, steps);
  return steps;
}
