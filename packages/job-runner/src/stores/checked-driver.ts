import type { AdminStore } from "../contract/admin-store.ts";
import type { Driver, NewJob } from "../contract/driver.ts";
import type { DurableStore } from "../contract/durable-store.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import type { ScheduleStore } from "../contract/schedule-store.ts";

/** A driver whose operations refuse, in every store alike, what it could not work with. Each throws JobOptionError. */
export function checkedDriver<D extends Driver>(driver: D): D {
  return {
    ...driver,
    ...checkedQueue(driver),
    ...checkedSteps(driver),
    ...checkedSchedules(driver),
    ...checkedAdministration(driver),
  };
}

function checkedQueue(driver: Driver) {
  const { newJob, handOver, reserve, leases, leaseMs, lease, retry, jobId, filter } = OPTIONS;
  return {
    async enqueue(jobs, options) {
      checkJobs("A job", jobs);
      return driver.enqueue(jobs, options);
    },
    async handOver(job, request, at) {
      checkOption("A job", newJob, job);
      checkOption("A hand-over", handOver, request);
      return driver.handOver(job, request, at);
    },
    async reserve(request, at) {
      checkOption("A claim", reserve, request);
      return driver.reserve(request, at);
    },
    async extend(held, ms, at) {
      checkOption("A lease", leases, held);
      checkOption("The time of a lease in ms", leaseMs, ms);
      return driver.extend(held, ms, at);
    },
    async ack(acks, at) {
      checkOption("An acknowledgement", leases, acks);
      return driver.ack(acks, at);
    },
    async retry(held, request, at) {
      checkOption("A lease", lease, held);
      checkOption("A retry", retry, request);
      return driver.retry(held, request, at);
    },
    async fail(held, request, at) {
      checkOption("A lease", lease, held);
      return driver.fail(held, request, at);
    },
    async release(held, at) {
      checkOption("A lease", leases, held);
      return driver.release(held, at);
    },
    async cancel(id, reason, at) {
      checkOption("A job", jobId, id);
      return driver.cancel(id, reason, at);
    },
    async get(id, at) {
      checkOption("A job", jobId, id);
      return driver.get(id, at);
    },
    async deadLetters(given, page) {
      checkOption("A filter", filter, given);
      checkOption("A page", OPTIONS.deadLetterPage, page);
      return driver.deadLetters(given, page);
    },
    async maintain(retention, at) {
      checkOption("A retention", OPTIONS.retention, retention);
      return driver.maintain(retention, at);
    },
  } satisfies Partial<Driver>;
}

function checkedSteps(driver: DurableStore) {
  const { lease, name, waits, event, jobId, logPage } = OPTIONS;
  return {
    async resumeSteps(held, at) {
      checkOption("A lease", lease, held);
      return driver.resumeSteps(held, at);
    },
    async saveStep(held, step, at) {
      checkOption("A lease", lease, held);
      checkOption("The name of a step", name, step.name);
      return driver.saveStep(held, step, at);
    },
    async suspend(held, given, at) {
      checkOption("A lease", lease, held);
      checkOption("A wait", waits, given);
      return driver.suspend(held, given, at);
    },
    async storeEvent(given, options) {
      checkOption("An event", event, given);
      return driver.storeEvent(given, options);
    },
    async setProgress(held, progress, at) {
      checkOption("A lease", lease, held);
      return driver.setProgress(held, progress, at);
    },
    async appendLog(held, lines, at) {
      checkOption("A lease", lease, held);
      return driver.appendLog(held, lines, at);
    },
    async stepsOf(id) {
      checkOption("A job", jobId, id);
      return driver.stepsOf(id);
    },
    async attemptsOf(id) {
      checkOption("A job", jobId, id);
      return driver.attemptsOf(id);
    },
    async logOf(id, page) {
      checkOption("A job", jobId, id);
      checkOption("A page", logPage, page);
      return driver.logOf(id, page);
    },
  } satisfies Partial<DurableStore>;
}

function checkedSchedules(driver: ScheduleStore) {
  return {
    async putSchedule(schedule, at) {
      checkOption("The name of a schedule", OPTIONS.name, schedule.name);
      return driver.putSchedule(schedule, at);
    },
    async moveSchedule(move, at) {
      checkJobs("A job of a schedule", move.jobs);
      return driver.moveSchedule(move, at);
    },
  } satisfies Partial<ScheduleStore>;
}

function checkedAdministration(driver: AdminStore) {
  const { filter, page, change, jobId, name, limit, reserveOne } = OPTIONS;
  return {
    async list(given, of, at) {
      checkOption("A filter", filter, given);
      checkOption("A page", page, of);
      return driver.list(given, of, at);
    },
    async cancelAll(given, reason, at) {
      checkOption("A filter", filter, given);
      return driver.cancelAll(given, reason, at);
    },
    async requeue(given, options) {
      checkOption("A filter", filter, given);
      return driver.requeue(given, options);
    },
    async reschedule(id, given, at) {
      checkOption("A job", jobId, id);
      checkOption("A change", change, given);
      return driver.reschedule(id, given, at);
    },
    async reserveOne(id, request, at) {
      checkOption("A job", jobId, id);
      checkOption("A claim", reserveOne, request);
      return driver.reserveOne(id, request, at);
    },
    async pauseQueue(queue, reason, at) {
      checkOption("The name of a queue", name, queue);
      return driver.pauseQueue(queue, reason, at);
    },
    async runningJobs(count) {
      checkOption("The limit of a list", limit, count);
      return driver.runningJobs(count);
    },
  } satisfies Partial<AdminStore>;
}

/** Without those that differ from the one before in their payload alone: in bulk, most do. */
function checkJobs(what: string, jobs: readonly NewJob[]): void {
  let before: NewJob | undefined;
  for (const job of jobs) {
    if (before === undefined || !isAlike(job, before)) checkOption(what, OPTIONS.newJob, job);
    before = job;
  }
}

function isAlike(job: NewJob, other: NewJob): boolean {
  return (
    job.queue === other.queue &&
    job.type === other.type &&
    job.priority === other.priority &&
    job.runAt === other.runAt &&
    job.delayMs === other.delayMs &&
    job.maxAttempts === other.maxAttempts &&
    job.timeoutMs === other.timeoutMs &&
    job.idempotencyKey === other.idempotencyKey &&
    job.replaceKey === other.replaceKey &&
    job.concurrencyKey === other.concurrencyKey &&
    job.concurrencyLimit === other.concurrencyLimit
  );
}
