import type { Driver } from "../contract/driver.ts";
import { JobRunnerError } from "../contract/errors.ts";

export type LazyDriver = {
  /** Loads and opens the store now. Throws a failure; the next use retries. */
  open(): Promise<void>;
  /** Closes the store if its driver opened it: later uses throw. */
  close(): Promise<void>;
} & Driver;

/**
 * A driver whose store is loaded at its first use. Then its operations are those of the loaded driver, without extra cost, if
 * they are read from this object at each call (`driver.enqueue(…)`).
 */
export function createLazyDriver(name: Driver["name"], load: () => Promise<Driver>): LazyDriver {
  let loading: Promise<Driver> | undefined;

  function loaded(): Promise<Driver> {
    loading ??= load().then(use, forget);
    return loading;
  }

  function use(driver: Driver): Driver {
    Object.assign(lazy, driver, { open, close });
    return driver;
  }

  function forget(error: unknown): never {
    loading = undefined;
    throw error;
  }

  async function open() {
    await loaded();
  }

  async function close() {
    const driver = await loading?.catch(() => undefined);
    await driver?.endReplacements?.();
    if (driver?.close === undefined) return;
    loading = Promise.reject(closedError());
    loading.catch(() => undefined);
    Object.assign(lazy, forwarding(name, loaded));
    await driver.close();
  }

  const lazy: LazyDriver = { ...forwarding(name, loaded), open, close };
  return lazy;
}

function closedError() {
  return new JobRunnerError("JOB_STORE_CLOSED", "This job runner was drained; create a new one.");
}

/** Every operation of a driver, forwarded after it is loaded. */
function forwarding(name: Driver["name"], loaded: () => Promise<Driver>): Driver {
  return {
    name,
    enqueue: async (...of) => (await loaded()).enqueue(...of),
    handOver: async (...of) => (await loaded()).handOver(...of),
    reserve: async (...of) => (await loaded()).reserve(...of),
    extend: async (...of) => (await loaded()).extend(...of),
    ack: async (...of) => (await loaded()).ack(...of),
    retry: async (...of) => (await loaded()).retry(...of),
    fail: async (...of) => (await loaded()).fail(...of),
    release: async (...of) => (await loaded()).release(...of),
    cancel: async (...of) => (await loaded()).cancel(...of),
    get: async (...of) => (await loaded()).get(...of),
    deadLetters: async (...of) => (await loaded()).deadLetters(...of),
    listen: async (...of) => (await loaded()).listen?.(...of),
    maintain: async (...of) => (await loaded()).maintain(...of),
    resumeSteps: async (...of) => (await loaded()).resumeSteps(...of),
    saveStep: async (...of) => (await loaded()).saveStep(...of),
    suspend: async (...of) => (await loaded()).suspend(...of),
    storeEvent: async (...of) => (await loaded()).storeEvent(...of),
    deliverEvents: async (...of) => (await loaded()).deliverEvents(...of),
    setProgress: async (...of) => (await loaded()).setProgress(...of),
    appendLog: async (...of) => (await loaded()).appendLog(...of),
    stepsOf: async (...of) => (await loaded()).stepsOf(...of),
    attemptsOf: async (...of) => (await loaded()).attemptsOf(...of),
    logOf: async (...of) => (await loaded()).logOf(...of),
    schedules: async (...of) => (await loaded()).schedules(...of),
    allSchedules: async (...of) => (await loaded()).allSchedules(...of),
    putSchedule: async (...of) => (await loaded()).putSchedule(...of),
    moveSchedule: async (...of) => (await loaded()).moveSchedule(...of),
    removeSchedule: async (...of) => (await loaded()).removeSchedule(...of),
    count: async (...of) => (await loaded()).count(...of),
    list: async (...of) => (await loaded()).list(...of),
    remove: async (...of) => (await loaded()).remove(...of),
    cancelAll: async (...of) => (await loaded()).cancelAll(...of),
    requeue: async (...of) => (await loaded()).requeue(...of),
    reschedule: async (...of) => (await loaded()).reschedule(...of),
    reserveOne: async (...of) => (await loaded()).reserveOne(...of),
    queueStats: async (...of) => (await loaded()).queueStats(...of),
    pauseQueue: async (...of) => (await loaded()).pauseQueue(...of),
    resumeQueue: async (...of) => (await loaded()).resumeQueue(...of),
    runningJobs: async (...of) => (await loaded()).runningJobs(...of),
    workers: async (...of) => (await loaded()).workers(...of),
    snapshotHolders: async (...of) => (await (await loaded()).snapshotHolders?.(...of)) ?? [],
  };
}
