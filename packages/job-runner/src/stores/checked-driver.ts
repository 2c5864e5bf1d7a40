import type { Driver, NewJob } from "../contract/driver.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";

type Option = Parameters<typeof checkOption>[1];

/** Adds checks of arguments to a driver, the same for every store: each operation throws JobOptionError for invalid ones. */
export function checkedDriver<D extends Driver>(driver: D): D {
  const { newJob, handOver, reserve, leaseMs, retry, retention, change, reserveOne } = OPTIONS;
  const lease = is("A lease", OPTIONS.lease);
  const leases = is("A lease", OPTIONS.leases);
  const jobId = is("The id of a job", OPTIONS.jobId);
  const filter = is("A filter", OPTIONS.filter);
  const stepName = is("The name of a step", OPTIONS.name);
  const scheduleName = is("The name of a schedule", OPTIONS.name);
  return {
    ...driver,
    enqueue: checked(driver.enqueue, (jobs) => checkJobs("A job", jobs)),
    handOver: checked(driver.handOver, is("A job", newJob), is("A hand-over", handOver)),
    reserve: checked(driver.reserve, is("A claim", reserve)),
    extend: checked(driver.extend, leases, is("The time of a lease in ms", leaseMs)),
    ack: checked(driver.ack, is("An acknowledgement", OPTIONS.leases)),
    retry: checked(driver.retry, lease, is("A retry", retry)),
    fail: checked(driver.fail, lease),
    release: checked(driver.release, leases),
    cancel: checked(driver.cancel, jobId),
    get: checked(driver.get, jobId),
    deadLetters: checked(driver.deadLetters, filter, is("A page", OPTIONS.deadLetterPage)),
    maintain: checked(driver.maintain, is("A retention", retention)),
    resumeSteps: checked(driver.resumeSteps, lease),
    saveStep: checked(driver.saveStep, lease, ({ name }) => stepName(name)),
    suspend: checked(driver.suspend, lease, is("A wait", OPTIONS.waits)),
    storeEvent: checked(driver.storeEvent, is("An event", OPTIONS.event)),
    setProgress: checked(driver.setProgress, lease),
    appendLog: checked(driver.appendLog, lease),
    stepsOf: checked(driver.stepsOf, jobId),
    attemptsOf: checked(driver.attemptsOf, jobId),
    logOf: checked(driver.logOf, jobId, is("A page", OPTIONS.logPage)),
    putSchedule: checked(driver.putSchedule, ({ name }) => scheduleName(name)),
    moveSchedule: checked(driver.moveSchedule, ({ jobs }) => checkJobs("A job of a schedule", jobs)),
    count: checked(driver.count, filter),
    list: checked(driver.list, filter, is("A page", OPTIONS.page)),
    remove: checked(driver.remove, filter),
    cancelAll: checked(driver.cancelAll, filter),
    requeue: checked(driver.requeue, filter),
    reschedule: checked(driver.reschedule, jobId, is("A change", change)),
    reserveOne: checked(driver.reserveOne, jobId, is("A claim", reserveOne)),
    pauseQueue: checked(driver.pauseQueue, is("The name of a queue", OPTIONS.name)),
    runningJobs: checked(driver.runningJobs, is("The limit of a list", OPTIONS.limit)),
  };
}

/** The operation with a check for each of its first arguments. */
function checked<Args extends unknown[], Result>(
  operation: (...args: Args) => Promise<Result>,
  ...checks: { [Position in keyof Args]?: (value: Args[Position]) => void }
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    for (const [position, check] of checks.entries()) check?.(args[position]);
    return operation(...args);
  };
}

function is(what: string, option: Option): (value: unknown) => void {
  return (value) => checkOption(what, option, value);
}

/** Skips jobs that differ from the previous one in their payload only: in bulk, most do. */
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
