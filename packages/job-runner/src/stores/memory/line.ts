import { Heap } from "./heap.ts";
import type { MemoryJob } from "./job.ts";

/** A job with its sort order when it last changed; invalid after the next change. */
export type Entry = {
  readonly job: MemoryJob;
  readonly place: number;
  readonly priority: number;
  readonly runAt: bigint;
  /** The jobs of its concurrency key, which it represents. */
  readonly group?: Group;
};

/** The ready jobs of one concurrency key, represented by the first. */
type Group = {
  readonly key: string;
  readonly jobs: Heap<Entry>;
  /** The representing entry; undefined: none, because no slot was free. */
  standing: Entry | undefined;
};

/** The ready jobs of one queue in order. Jobs that share a busy concurrency key add no cost to a claim. */
export class MemoryLine {
  readonly #entries = new Heap<Entry>(byOrder);
  readonly #groups = new Map<string, Group>();

  join(entry: Entry): void {
    const key = entry.job.concurrencyKey;
    if (key === null) {
      this.#entries.push(entry);
      return;
    }
    const group = this.#groups.get(key) ?? { key, jobs: new Heap<Entry>(byOrder), standing: undefined };
    this.#groups.set(key, group);
    group.jobs.push({ ...entry, group });
    this.#stand(group);
  }

  /** Adds an entry for the first job of the key: a slot may be free, or the first job may have changed. */
  stand(key: string | null): void {
    const group = key === null ? undefined : this.#groups.get(key);
    if (group !== undefined) this.#stand(group);
  }

  /** Takes the next job of a requested type with a free slot; sets others aside. */
  next(
    isWanted: (job: MemoryJob) => boolean,
    hasFreeSlot: (job: MemoryJob) => boolean,
    aside: Entry[],
  ): MemoryJob | undefined {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      const { job, group } = entry;
      if (group !== undefined && group.standing !== entry) continue;
      if (group !== undefined) group.standing = undefined;
      const isCurrent = !isOutdated(entry);
      if (isCurrent && isWanted(job)) {
        if (hasFreeSlot(job)) return job;
        continue;
      }
      if (isCurrent) aside.push(entry);
      if (group === undefined) continue;
      group.jobs.pop();
      this.#stand(group);
    }
    return undefined;
  }

  #stand(group: Group) {
    let first = group.jobs.peek();
    for (; first !== undefined && isOutdated(first); first = group.jobs.peek()) group.jobs.pop();
    if (first === undefined) this.#groups.delete(group.key);
    else if (first !== group.standing) this.#entries.push(first);
    group.standing = first;
  }
}

export function isOutdated(entry: Entry): boolean {
  return entry.place !== entry.job.place;
}

export function byTime(left: Entry, right: Entry): number {
  if (left.runAt === right.runAt) return 0;
  return left.runAt < right.runAt ? -1 : 1;
}

function byOrder(left: Entry, right: Entry): number {
  return left.priority - right.priority || byTime(left, right) || Number(left.job.id) - Number(right.job.id);
}
