import type { Driver } from "../contract/driver.ts";
import type { JsonText } from "../contract/storable-json.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import { type Resend, resend } from "./write-errors.ts";

const FLUSH_AFTER_MS = 3;
const FLUSH_BATCH = 1000;
const FLUSHES_IN_FLIGHT_MAX = 2;
/** Characters of the outputs in one batch: Postgres rejects much larger statements. */
const FLUSH_MAX_CHARACTERS = 16_777_216;

/** A batch that is known to fail is not retried as a whole. */
const ONCE = { errorsMax: { unknown: 1, away: 1 } };

type Finished = {
  readonly run: JobRun;
  readonly output: JsonText | undefined;
};

export type CompleterOptions = {
  readonly driver: Driver;
  readonly heartbeat: Heartbeat;
  /** An acknowledgement was sent: a claim sent now takes effect after it. Only for sequential stores. */
  onSent(runs: readonly JobRun[]): void;
  onCompleted(runs: readonly JobRun[]): void;
  onRefused(run: JobRun, error: Error): void;
  /** The store rejects the output permanently. Never rejects itself. */
  onUnstorable(run: JobRun, error: unknown): Promise<void>;
  onError(error: unknown): void;
};

export type Completer = {
  add(run: JobRun, output: JsonText | undefined): void;
  idle(): Promise<void>;
  readonly pending: number;
};

/**
 * Acknowledges finished jobs in batches: when a batch is full, or a few milliseconds after its first job. Until then the
 * heartbeat keeps their leases. A batch that fails with a temporary error is retried, because acknowledging a completed job
 * succeeds. A rejected batch is halved until the rejected output is found.
 */
export function createCompleter(options: CompleterOptions): Completer {
  const { driver, heartbeat, onSent, onCompleted, onRefused, onUnstorable, onError } = options;
  const waiting: Finished[] = [];
  const flushing = new Set<Promise<void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = 0;

  function add(run: JobRun, output: JsonText | undefined) {
    waiting.push({ run, output });
    pending += 1;
    if (waiting.length >= FLUSH_BATCH) flush();
    // The next job of the key waits for this one, so it is only batched with jobs that end in the same event loop turn.
    else if (run.job.concurrencyKey !== null) setImmediate(flush);
    else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
  }

  function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0 || flushing.size >= FLUSHES_IN_FLIGHT_MAX) return;
    const batch = waiting.splice(0, batchLength(waiting));
    const sent = send(batch).finally(() => {
      flushing.delete(sent);
      pending -= batch.length;
      flush();
    });
    flushing.add(sent);
  }

  async function send(batch: readonly Finished[], limits: Pick<Resend, "errorsMax"> = {}): Promise<void> {
    const live = () => batch.filter(({ run }) => heartbeat.held.has(run));
    const resending = { isHeld: () => live().length > 0, onError, ...limits };
    try {
      await resend(() => acknowledge(live()), resending);
    } catch (error) {
      await settleRefused(live(), error);
    }
  }

  async function settleRefused(batch: readonly Finished[], error: unknown): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) return onUnstorable(first.run, error);
    const half = Math.ceil(batch.length / 2);
    await send(batch.slice(0, half), ONCE);
    await send(batch.slice(half), ONCE);
  }

  async function acknowledge(batch: readonly Finished[]) {
    if (batch.length === 0) return;
    const sent = driver.ack(
      batch.map(({ run, output }) => ({ jobId: run.job.jobId, token: run.job.token, output })),
    );
    if (driver.isSequential === true) onSent(batch.map(({ run }) => run));
    const refusals = await sent;
    const refused = new Map(refusals.map(({ jobId, error }) => [jobId, error]));
    const completed: JobRun[] = [];
    for (const { run } of batch) {
      heartbeat.letGo(run);
      const error = refused.size > 0 ? refused.get(run.job.jobId) : undefined;
      if (error === undefined) completed.push(run);
      else onRefused(run, error);
    }
    onCompleted(completed);
  }

  /** Resolves when no job is waiting. */
  async function idle() {
    while (pending > 0) {
      flush();
      await Promise.race([...flushing]);
    }
  }

  return {
    add,
    idle,
    get pending() {
      return pending;
    },
  };
}

/** How many jobs from the start fit into one statement. */
function batchLength(waiting: readonly Finished[]): number {
  let length = 0;
  let characters = 0;
  for (const { output } of waiting) {
    characters += output?.length ?? 0;
    if (length > 0 && (length === FLUSH_BATCH || characters > FLUSH_MAX_CHARACTERS)) break;
    length += 1;
  }
  return length;
}
