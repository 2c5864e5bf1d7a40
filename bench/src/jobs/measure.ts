/** What is measured of each engine. Rates are jobs per second, latencies milliseconds. */
export type Engine = {
  readonly name: string;
  /** Removes all jobs and settles the table. */
  clear(): Promise<void>;
  bulkEnqueue(count: number): Promise<void>;
  /** Runs no-op jobs until `done` is called so many times; resolves when it has stopped. */
  work(settings: string, onJob: (payload: { n: number }) => void): Promise<{ stop(): Promise<void> }>;
  enqueueOne(n: number): Promise<unknown>;
  /** Jobs that are not yet recorded as done: the proof of completion. */
  unfinished(): Promise<number>;
  close(): Promise<void>;
};

const SAMPLE_EVERY_MS = 20;

export async function measureBulk(engine: Engine, count: number): Promise<number> {
  await engine.clear();
  const startedAt = performance.now();
  await engine.bulkEnqueue(count);
  return (count / (performance.now() - startedAt)) * 1000;
}

/** Jobs a second from the first claim until every row is recorded as done, or until the deadline. */
export async function measureThroughput(engine: Engine, settings: string, count: number, deadlineMs: number) {
  await engine.clear();
  await engine.bulkEnqueue(count);
  let done = 0;
  const { promise: allRan, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  const startedAt = performance.now();
  const worker = await engine.work(settings, () => {
    done += 1;
    if (done === count) resolve();
  });
  await allRan;
  clearTimeout(timer);
  let left = await engine.unfinished();
  while (left > 0 && performance.now() - startedAt < deadlineMs) {
    await Bun.sleep(2);
    left = await engine.unfinished();
  }
  const rate = ((count - left) / (performance.now() - startedAt)) * 1000;
  await worker.stop();
  return rate;
}

/** Enqueues one job every 20 ms; milliseconds from the call to the start of the run. */
export async function measureLatency(engine: Engine, settings: string, samples: number): Promise<number[]> {
  await engine.clear();
  const calledAt = new Map<number, number>();
  const latencies: number[] = [];
  const worker = await engine.work(settings, ({ n }) => {
    latencies.push(performance.now() - (calledAt.get(n) ?? Number.NaN));
  });
  await Bun.sleep(1000);
  for (let n = 0; n < samples; n += 1) {
    const at = performance.now();
    calledAt.set(n, at);
    await engine.enqueueOne(n);
    await Bun.sleep(Math.max(0, SAMPLE_EVERY_MS - (performance.now() - at)));
  }
  while (latencies.length < samples) await Bun.sleep(5);
  await worker.stop();
  return latencies;
}
