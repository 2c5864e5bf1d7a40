import type { Driver, ReservedJob } from "../contract/driver.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import { ClaimBuffer } from "./claim-buffer.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import { createPrefetch, PREFETCH_MS } from "./prefetch.ts";

const CLAIM_BATCH_MAX = 1000;
/** While claims return full batches, a second claim is sent, so that database and worker run in parallel. */
const CLAIMS_IN_FLIGHT_MAX = 2;
/** Unacknowledged finished jobs above which no further jobs are started. */
const UNACKNOWLEDGED_MAX = 10_000;
/** A claimed job that has not started within this time is released, so that an idle process can take it. */
const GIVE_BACK_AFTER_MS = 300;
const GIVE_BACK_LOOK_MS = 100;

export type WorkerOptions = {
  readonly driver: Driver;
  readonly queue: string;
  readonly types: readonly string[];
  readonly workerId: string;
  /** Concurrent jobs. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly maxRecoveries: number;
  /** Delay after an empty or failed claim. */
  readonly idleBackoff: Backoff;
  readonly heartbeat: Heartbeat;
  readonly metrics: Metrics;
  /** Runs the job and stores its outcome; resolves when its slot is free. Never rejects. */
  perform(run: JobRun): Promise<void>;
  unacknowledged(): number;
  onError(error: unknown): void;
};

/** Claims the jobs of one queue into a local buffer and runs them with limited concurrency. */
export class Worker {
  readonly queue: string;
  readonly running = new Set<JobRun>();
  readonly #options: WorkerOptions;
  readonly #prefetch = createPrefetch();
  readonly #claims = new Set<Promise<void>>();
  readonly #buffer = new ClaimBuffer();
  /** Jobs that pending claims may return, and slots that pending hand-overs will take. */
  #asked = 0;
  #expected = 0;
  #isActive = false;
  #mayHaveMore = false;
  #lastClaimWasFull = false;
  #emptyClaims = 0;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #isPumpQueued = false;
  /** Time of the oldest claim without a response; undefined: the last one was answered. */
  #unansweredSinceMs: number | undefined;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #givingBack: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.queue = options.queue;
  }

  start(): void {
    this.#isActive = true;
    this.wake();
  }

  /** Claims now instead of at the next poll, because a job may be runnable. */
  wake(): void {
    this.#emptyClaims = 0;
    this.#mayHaveMore = true;
    this.pump();
  }

  /** Starts buffered jobs in free slots, then claims more. */
  pump(): void {
    while (this.#freeSlots() > 0 && this.#buffer.size > 0 && !this.#isBackedUp()) this.#startNext();
    this.#buffer.compact();
    const inFlightMax = this.#lastClaimWasFull ? CLAIMS_IN_FLIGHT_MAX : 1;
    while (this.#isActive && this.#mayHaveMore && this.#claims.size < inFlightMax && this.#wanted() > 0) {
      this.#startClaim(this.#wanted());
    }
    if (this.#buffer.size > 0) this.#lookTimer ??= setTimeout(() => this.#lookAtBuffer(), GIVE_BACK_LOOK_MS);
  }

  /**
   * Stores a job that is leased to this worker from its enqueue, and runs it; undefined when no slot is free or other jobs may
   * be waiting. Resolves to undefined when its queue is paused.
   */
  handOver(leased: () => Promise<ReservedJob | undefined>): Promise<ReservedJob | undefined> | undefined {
    const isIdle = this.#isActive && !this.#mayHaveMore && this.#claims.size === 0 && this.#buffer.size === 0;
    if (!isIdle || this.#freeSlots() === 0) return undefined;
    this.#expected += 1;
    return this.#receive(leased);
  }

  /** Age in ms of the oldest claim without a response. */
  claimLateMs(): number {
    return this.#unansweredSinceMs === undefined ? 0 : performance.now() - this.#unansweredSinceMs;
  }

  /** Stops claims, and returns the jobs that were never started. */
  async stop(): Promise<JobRun[]> {
    this.#isActive = false;
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#lookTimer);
    const unstarted = this.#buffer.takeAll();
    await Promise.all([...this.#claims, this.#givingBack]);
    return [...unstarted, ...this.#buffer.takeAll()];
  }

  /** Long runs may hold every slot. Jobs that wait for the database instead stay: another process would wait for it as well. */
  #lookAtBuffer() {
    this.#lookTimer = undefined;
    const isStalled = this.#freeSlots() <= 0 && !this.#isBackedUp() && this.#givingBack === undefined;
    const stalled = isStalled ? this.#buffer.takeClaimedBefore(performance.now() - GIVE_BACK_AFTER_MS) : [];
    if (stalled.length > 0) {
      this.#givingBack = this.#giveBack(stalled).finally(() => {
        this.#givingBack = undefined;
      });
    }
    this.pump();
  }

  /** Jobs that cannot be released stay in the buffer: their lease is held until they run. */
  async #giveBack(runs: readonly JobRun[]) {
    const { driver, heartbeat, onError } = this.#options;
    try {
      await driver.release(runs.map((run) => run.job));
      for (const run of runs) heartbeat.letGo(run);
    } catch (error) {
      onError(error);
      for (const run of runs) this.#buffer.push(run);
    }
  }

  #startNext() {
    const run = this.#buffer.next();
    if (run === undefined) return;
    if (this.#options.heartbeat.holds(run)) void this.#perform(run);
    else this.#options.heartbeat.letGo(run);
  }

  async #perform(run: JobRun) {
    this.running.add(run);
    run.startedAtMs = performance.now();
    await this.#options.perform(run);
    this.running.delete(run);
    this.#prefetch.noteRun(performance.now() - run.startedAtMs);
    this.#pumpSoon();
  }

  #startClaim(limit: number) {
    this.#asked += limit;
    clearTimeout(this.#pollTimer);
    const claim = this.#claim(limit).finally(() => {
      this.#asked -= limit;
      this.#claims.delete(claim);
      this.pump();
    });
    this.#claims.add(claim);
    this.#mayHaveMore = this.#lastClaimWasFull;
  }

  async #claim(limit: number) {
    const { driver, queue, types, workerId, leaseMs, maxRecoveries, metrics } = this.#options;
    const sentAtMs = performance.now();
    this.#unansweredSinceMs ??= sentAtMs;
    try {
      const request = { queue, types, workerId, leaseMs, limit, maxRecoveries };
      const { jobs, recovered } = await driver.reserve(request);
      this.#unansweredSinceMs = undefined;
      metrics.count("recovered", recovered.requeued + recovered.dead);
      metrics.count("failed", recovered.dead);
      for (const job of jobs) this.#buffer.push(this.#hold(job, sentAtMs));
      this.#lastClaimWasFull = jobs.length >= limit;
      if (jobs.length > 0) this.#emptyClaims = 0;
    } catch (error) {
      this.#lastClaimWasFull = false;
      this.#options.onError(error);
    }
    if (this.#lastClaimWasFull) this.#mayHaveMore = true;
    else this.#pollLater();
  }

  #pollLater() {
    this.#emptyClaims += 1;
    clearTimeout(this.#pollTimer);
    if (!this.#isActive) return;
    const poll = () => {
      this.#mayHaveMore = true;
      this.pump();
    };
    this.#pollTimer = setTimeout(poll, backoffMs(this.#emptyClaims, this.#options.idleBackoff));
  }

  /** The number of jobs to claim now: 0 until the buffer is half empty, so that claims stay large. */
  #wanted(): number {
    const ahead = this.#prefetch.jobs(this.#options.concurrency - this.#longRuns());
    const coming = this.#buffer.size + this.#asked;
    const free = this.#freeSlots();
    if (this.#isBackedUp() || (coming > ahead / 2 && coming >= free)) return 0;
    return Math.min(CLAIM_BATCH_MAX, free + ahead - coming);
  }

  #freeSlots(): number {
    return this.#options.concurrency - this.running.size - this.#expected;
  }

  /** Runs that take longer than the work claimed ahead. `running` is ordered by start. */
  #longRuns(): number {
    const since = performance.now() - PREFETCH_MS;
    let count = 0;
    for (const run of this.running) {
      if (run.startedAtMs > since) break;
      count += 1;
    }
    return count;
  }

  #isBackedUp(): boolean {
    return this.#options.unacknowledged() > UNACKNOWLEDGED_MAX;
  }

  #pumpSoon() {
    if (this.#isPumpQueued) return;
    this.#isPumpQueued = true;
    queueMicrotask(() => {
      this.#isPumpQueued = false;
      this.pump();
    });
  }

  #hold(job: ReservedJob, sentAtMs: number): JobRun {
    const run = new JobRun(job, sentAtMs, this.#options.leaseMs);
    this.#options.heartbeat.hold(run);
    this.#options.metrics.observeClaim(job.waitedMs);
    return run;
  }

  async #receive(leased: () => Promise<ReservedJob | undefined>) {
    const sentAtMs = performance.now();
    try {
      const job = await leased();
      if (job !== undefined) this.#buffer.push(this.#hold(job, sentAtMs));
      return job;
    } finally {
      this.#expected -= 1;
      this.pump();
    }
  }
}
