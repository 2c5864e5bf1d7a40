import { JobRunnerError } from "../errors.ts";
import type { Driver } from "./driver.ts";

export interface LazyDriver extends Driver {
  /** Loads and opens the store now. A failure is thrown, and the next use tries again. */
  open(): Promise<void>;
  /** Closes the store if its driver has opened it: every later use is refused. */
  close(): Promise<void>;
}

/**
 * A driver whose store is loaded by its first use. From then on its operations are the loaded driver's own: read them
 * from this object at each call (`driver.enqueue(…)`), and they cost nothing more.
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
  return new JobRunnerError("JOB_STORE_CLOSED", "This job runner was drained; make a new one.");
}

/** Every operation of a driver, sent on once it is loaded. */
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
    requeue: async (...of) => (await loaded()).requeue(...of),
    listen: async (...of) => (await loaded()).listen?.(...of),
    maintain: async (...of) => (await loaded()).maintain(...of),
  };
}
