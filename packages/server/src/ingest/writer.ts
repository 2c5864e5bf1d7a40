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
    const batch = queue.slice(0, fitting(queue));
    queue = queue.slice(batch.length);
    for (const { items, bytes } of batch) {
      queuedItems -= items.length;
      queuedBytes -= bytes;
    }
    return batch;
  }

  async function runFlush(batch: Request<Item>[]): Promise<void> {
    inFlight += 1;
    try {
      const outcomes = await options.flush(batch.flatMap((request) => request.items));
      let start = 0;
      for (const request of batch) {
        answer(request, outcomes.slice(start, start + request.items.length));
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

  function answer({ resolve }: Request<Item>, outcomes: Outcome[]): void {
    const projections = projectionsOf(outcomes);
    if (projections.length === 0) {
      resolve(outcomes);
      return;
    }
    unanswered += 1;
    void Promise.all(projections).then(() => {
      unanswered -= 1;
      resolve(outcomes);
      wakeIdle();
    });
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

/** How many requests, from the first, one flush takes; a request is never split. */
function fitting<Item>(queue: readonly Request<Item>[]): number {
  let items = 0;
  const tooMany = queue.findIndex((request, position) => {
    items += request.items.length;
    return position > 0 && items > FLUSH_MAX_ITEMS;
  });
  return tooMany === -1 ? queue.length : tooMany;
}

/** A flush that was taken apart has several projections to wait for, and events of one flush share theirs. */
function projectionsOf(outcomes: readonly Outcome[]): Promise<void>[] {
  const projections: Promise<void>[] = [];
  for (const outcome of outcomes) {
    if (outcome.status !== "accepted" || outcome.projected === undefined) continue;
    if (!projections.includes(outcome.projected)) projections.push(outcome.projected);
  }
  return projections;
}
