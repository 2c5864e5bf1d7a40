import type { At, Lease } from "../../contract/driver.ts";
import type { DurableStore } from "../../contract/durable-store.ts";
import { UnsupportedByDriverError } from "../../contract/errors.ts";
import type { ScheduleStore } from "../../contract/schedule-store.ts";
import type { Parts } from "./parts.ts";
import { microsOf } from "./times.ts";

/** Durable execution on SQLite: checks a lease and writes under it in one transaction. */
export function durableOperations({
  write,
  leases,
  steps,
  events,
  progressLog,
  attemptsOf,
}: Parts): DurableStore {
  function underLease<T>(lease: Lease, at: At | undefined, change: (now: bigint) => T): Promise<T> {
    return write(() => {
      const now = microsOf(at);
      leases.check(lease, now);
      return change(now);
    });
  }

  return {
    resumeSteps: (lease, at) =>
      underLease(lease, at, (now) => {
        events.deliverTo(lease.jobId, now);
        steps.endDue(lease.jobId, now);
        return steps.byName(lease.jobId);
      }),
    saveStep: (lease, step, at) => underLease(lease, at, (now) => steps.save(lease, step, now)),
    suspend: (lease, waits, at) => underLease(lease, at, (now) => steps.suspend(lease, waits, now)),
    async storeEvent(event, options) {
      if (options?.transaction) throw new UnsupportedByDriverError("A transaction", "sqlite");
      return write(() => events.store(event, microsOf(options)));
    },
    async deliverEvents(at) {
      const queues = new Set<string>();
      for (;;) {
        const delivery = await write(() => events.deliver(microsOf(at)));
        for (const queue of delivery.queues) queues.add(queue);
        if (!delivery.more) return [...queues];
      }
    },
    setProgress: (lease, progress, at) =>
      underLease(lease, at, (now) => progressLog.setProgress(lease, progress, now)),
    appendLog: (lease, lines, at) => underLease(lease, at, () => progressLog.appendLog(lease, lines)),
    stepsOf: async (jobId) => steps.byAge(jobId),
    attemptsOf: async (jobId) => attemptsOf(jobId),
    logOf: async (jobId, page) => progressLog.logOf(jobId, page),
  };
}

export function scheduleOperations({ write, schedules }: Parts): ScheduleStore {
  return {
    schedules: async (names, at) => schedules.read(names, microsOf(at)),
    allSchedules: async () => schedules.all(),
    putSchedule: (schedule) => write(() => schedules.put(schedule)),
    moveSchedule: (move, at) => write(() => schedules.move(move, microsOf(at))),
    removeSchedule: (name) => write(() => schedules.remove(name)),
  };
}
