import type { JobRun } from "./job-run.ts";

const COMPACT_ABOVE = 1000;

/** Claimed jobs that have not started, in the order of their claims. A queue by index, because shift() moves the whole array. */
export class ClaimBuffer {
  #runs: JobRun[] = [];
  #head = 0;

  get size(): number {
    return this.#runs.length - this.#head;
  }

  push(run: JobRun): void {
    this.#runs.push(run);
  }

  next(): JobRun | undefined {
    const run = this.#runs[this.#head];
    this.#head += 1;
    return run;
  }

  /** Releases the memory of taken runs; to be called regularly. */
  compact(): void {
    if (this.#head !== this.#runs.length && this.#head <= COMPACT_ABOVE) return;
    this.#runs.splice(0, this.#head);
    this.#head = 0;
  }

  takeAll(): JobRun[] {
    const taken = this.#runs.slice(this.#head);
    this.#runs = [];
    this.#head = 0;
    return taken;
  }

  /** Takes the runs claimed at or before a time of the monotonic clock. */
  takeClaimedBefore(ms: number): JobRun[] {
    const [early, late] = [[] as JobRun[], [] as JobRun[]];
    for (const run of this.takeAll()) (run.claimedAtMs <= ms ? early : late).push(run);
    this.#runs = late;
    return early;
  }
}
