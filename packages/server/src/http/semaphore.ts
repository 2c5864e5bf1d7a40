export type Semaphore = {
  /** Runs the work as soon as one of the slots is free, in the order of the calls. */
  run<T>(work: () => Promise<T>): Promise<T>;
};

export function createSemaphore(slots: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = slots;

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }

  return { run };
}
