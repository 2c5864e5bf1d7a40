import { Heap } from "./heap.ts";
import { type MemoryJob, NEVER } from "./job.ts";
import { byTime, type Entry, isOutdated, MemoryLine } from "./line.ts";

export type MemoryLines = {
  running: Set<MemoryJob>;
  update(job: MemoryJob): void;
  take(
    request: {
      queue: string;
      limit: number;
      types?: readonly string[];
    },
    now: bigint,
    start: (job: MemoryJob) => void,
  ): MemoryJob[];
  hasFreeSlot(job: MemoryJob): boolean;
};

/**
 * The order of jobs: ready jobs per queue, parked jobs by time, and running jobs. The cost of a claim depends on the jobs that it
 * takes, not on waiting or parked ones or those of a busy key. Outdated entries are dropped when they are reached.
 */
export function createMemoryLines(): MemoryLines {
  const parked = new Heap<Entry>(byTime);
  const lines = new Map<string, MemoryLine>();
  const running = new Set<MemoryJob>();
  const slots = new Map<string, number>();

  /** To be called after every change of a job. */
  function update(job: MemoryJob) {
    job.place += 1;
    if (running.has(job) !== (job.status === "running")) startOrEnd(job);
    if (job.status !== "queued" || job.runAt === NEVER) return;
    const { place, priority, runAt } = job;
    const entry = { job, place, priority, runAt };
    if (runAt > job.updatedAt) parked.push(entry);
    else lineOf(job.queue).join(entry);
  }

  function startOrEnd(job: MemoryJob) {
    const key = job.concurrencyKey;
    const isStart = job.status === "running";
    if (isStart) running.add(job);
    else running.delete(job);
    if (key === null) return;
    const taken = slotsTaken(key) + (isStart ? 1 : -1);
    if (taken === 0) slots.delete(key);
    else slots.set(key, taken);
    if (!isStart) for (const line of lines.values()) line.stand(key);
  }

  /** Starts up to `limit` jobs of a queue, in order. `start` changes the job and calls `update`. */
  function take(
    request: { queue: string; limit: number; types?: readonly string[] },
    now: bigint,
    start: (job: MemoryJob) => void,
  ): MemoryJob[] {
    unpark(now);
    const line = lineOf(request.queue);
    const aside: Entry[] = [];
    const taken: MemoryJob[] = [];
    const isWanted = ({ type, runAt }: MemoryJob) => runAt <= now && (request.types?.includes(type) ?? true);
    while (taken.length < request.limit) {
      const job = line.next(isWanted, hasFreeSlot, aside);
      if (job === undefined) break;
      start(job);
      taken.push(job);
      line.stand(job.concurrencyKey);
    }
    for (const { group: _group, ...entry } of aside) line.join(entry);
    return taken;
  }

  function unpark(now: bigint) {
    for (let entry = parked.peek(); entry !== undefined && entry.runAt <= now; entry = parked.peek()) {
      parked.pop();
      if (!isOutdated(entry)) lineOf(entry.job.queue).join(entry);
    }
  }

  function lineOf(queue: string): MemoryLine {
    const line = lines.get(queue) ?? new MemoryLine();
    lines.set(queue, line);
    return line;
  }

  const slotsTaken = (key: string) => slots.get(key) ?? 0;

  function hasFreeSlot(job: MemoryJob): boolean {
    return job.concurrencyKey === null || slotsTaken(job.concurrencyKey) < job.concurrencyLimit;
  }

  return { running, update, take, hasFreeSlot };
}
