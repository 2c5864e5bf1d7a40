import { OverloadError } from "../errors.ts";

export type Outcome =
  /** `projected`: its answer waits until something more is done that the next flush need not wait for. Never rejects. */
  | { status: "accepted"; projected?: Promise<void> }
  | { status: "duplicate" }
  | { status: "rejected"; error: string };

export type WriterOptions<Item> = {
  /** Stores the items; answers with one outcome an item, in order, after the commit. */
  flush: (items: readonly Item[]) => Promise<Outcome[]>;
  sizeOf: (item: Item) => number;
  queueMaxItems: number;
  queueMaxBytes: number;
};

export type Writer<Item> = {
  /** Resolves after the commit, with one outcome an item. Rejects with OverloadError when the queue is full. */
  write(items: readonly Item[]): Promise<Outcome[]>;
  /** Resolves when everything that was taken in has been answered. */
  drained(): Promise<void>;
  depth(): { items: number; bytes: number; flushes: number };
};

/** More rows in one statement gained nothing and made the queue's tail wait longer. */
export const FLUSH_MAX_ITEMS = 1_000;
export const FLUSHES_IN_FLIGHT_MAX = 2;
/**
 * A second flush beside the first pays only when this many events wait; below it, one larger flush is cheaper. Of 256 connections
 * with single events, 64 made smaller flushes that cost more of CPU an event (269 µs against 235), and 200 was slower.
 */
export const SECOND_FLUSH_MIN_ITEMS = 128;

type Request<Item> = {
  items: readonly Item[];
  bytes: number;
  resolve: (outcomes: Outcome[]) => void;
  reject: (error: unknown) => void;
};

/**
 * Group commit: gathers what concurrent requests brought and flushes as soon as a slot is free. There is no timer: while a
 * flush is under way the next one fills by itself, and an idle writer flushes at once.
 */
export function createWriter<Item>(options: WriterOptions<Item>): Writer<Item> {
  let queue: Request<Item>[] = [];
  let queuedItems = 0;
  let queuedBytes = 0;
  let inFlight = 0;
  let unanswered = 0;
  let scheduled = false;
  let idle: (() => void)[] = [];

  function write(items: readonly Item[]): Promise<Outcome[]> {
    const bytes = items.reduce((sum, item) => sum + options.sizeOf(item), 0);
    const isFull =
      queuedItems + items.length > options.queueMaxItems || queuedBytes + bytes > options.queueMaxBytes;
    if (isFull && queue.length > 0) {
      return Promise.reject(
        new OverloadError("The write queue is full: send again later.", "INGEST_QUEUE_FULL"),
      );
    }
    return new Promise((resolve, reject) => {
      queue.push({ items, bytes, resolve, reject });
      queuedItems += items.length;
      queuedBytes += bytes;
      schedule();
    });
  }

  /** One turn of the event loop lets the requests that arrived together share a flush. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (canFlush()) void runFlush(takeBatch());
    });
  }

  function canFlush(): boolean {
    if (queue.length === 0 || inFlight >= FLUSHES_IN_FLIGHT_MAX) return false;
    return inFlight === 0 || queuedItems >= SECOND_FLUSH_MIN_ITEMS;
  }

  function takeBatch(): Request<Item>[] {
    let count = 0;
    let taken = 0;
    for (const request of queue) {
      if (taken > 0 && count + request.items.length > FLUSH_MAX_ITEMS) break;
      count += request.items.length;
      queuedBytes -= request.bytes;
      taken += 1;
    }
    const batch = queue.slice(0, taken);
    queue = queue.slice(taken);
    queuedItems -= count;
    return batch;
  }

  async function runFlush(batch: Request<Item>[]): Promise<void> {
    inFlight += 1;
    try {
      const outcomes = await options.flush(batch.flatMap((request) => request.items));
      let start = 0;
      for (const request of batch) {
        void answer(request, outcomes.slice(start, start + request.items.length));
        start += request.items.length;
      }
    } catch (error) {
      for (const request of batch) request.reject(error);
    } finally {
      inFlight -= 1;
      if (queue.length > 0) schedule();
      else wakeIdle();
    }
  }

  async function answer({ resolve }: Request<Item>, outcomes: Outcome[]): Promise<void> {
    unanswered += 1;
    await projected(outcomes);
    unanswered -= 1;
    resolve(outcomes);
    wakeIdle();
  }

  const isIdle = () => queue.length === 0 && inFlight === 0 && unanswered === 0;

  function wakeIdle(): void {
    if (!isIdle()) return;
    const waiting = idle;
    idle = [];
    for (const resolve of waiting) resolve();
  }

  function drained(): Promise<void> {
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => idle.push(resolve));
  }

  return { write, drained, depth: () => ({ items: queuedItems, bytes: queuedBytes, flushes: inFlight }) };
}

/** A flush that was taken apart has several projections to wait for. */
async function projected(outcomes: readonly Outcome[]): Promise<void> {
  const waits = new Set<Promise<void>>();
  for (const outcome of outcomes)
    if (outcome.status === "accepted" && outcome.projected !== undefined) waits.add(outcome.projected);
  if (waits.size > 0) await Promise.all(waits);
}
