import { OverloadError, type StorageError } from "../errors.ts";

export type Outcome =
  | { status: "accepted" }
  | { status: "duplicate" }
  | { status: "rejected"; error: string };

/** Of an item that could not be stored for now: the whole request it came with fails with this error. */
export type FlushOutcome = Outcome | { status: "unavailable"; error: StorageError };

export type WriterOptions<Item> = {
  /** Stores the items; answers with one outcome an item, in order, after the commit. */
  flush: (items: readonly Item[]) => Promise<FlushOutcome[]>;
  sizeOf: (item: Item) => number;
  queueMaxItems: number;
  queueMaxBytes: number;
  /** At the same time. Default FLUSHES_IN_FLIGHT_MAX. */
  flushesMax?: number;
};

export type QueueDepth = { items: number; bytes: number; flushes: number };

export type Writer<Item> = {
  /** Resolves after the commit, with one outcome an item. `bytes`: their size, where it is known already. Rejects with OverloadError when the queue is full. */
  write(items: readonly Item[], bytes?: number): Promise<Outcome[]>;
  /** Resolves when all accepted requests are answered. */
  drained(): Promise<void>;
  depth(): QueueDepth;
};

/** More rows in one statement gained nothing and made the queue's tail wait longer. */
export const FLUSH_MAX_ITEMS = 1_000;
/** Beyond it the statement's copies on their way to Postgres weigh more than a further statement. A request is never split. */
export const FLUSH_MAX_BYTES = 16 * 1024 * 1024;
export const FLUSHES_IN_FLIGHT_MAX = 2;
/**
 * A second concurrent flush pays only when this many events wait; below it, one larger flush is cheaper. Of 256 connections
 * with single events, 64 made smaller flushes that cost more of CPU an event (269 µs against 235), and 200 was slower.
 */
export const SECOND_FLUSH_MIN_ITEMS = 128;

/**
 * A turn of the event loop that reads or answers this many requests takes some 10 ms, in which Postgres had nothing to do: of 256
 * connections with single events, a tenth more is stored. Fewer made smaller flushes. Requests, since large ones soon make a flush.
 */
export const FLUSH_AT_ONCE_MIN_REQUESTS = 100;

/** Batches leave a tenth of the queue to clients that send a few events. */
const SMALL_REQUEST_MAX_ITEMS = 10;
const BATCHES_SHARE = 0.9;

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
  const { flushesMax = FLUSHES_IN_FLIGHT_MAX } = options;
  const queue = createQueue<Item>(options);
  let inFlight = 0;
  let scheduled = false;
  let idle: (() => void)[] = [];

  function write(
    items: readonly Item[],
    bytes = items.reduce((sum, item) => sum + options.sizeOf(item), 0),
  ): Promise<Outcome[]> {
    if (!queue.hasRoom(items.length, bytes)) {
      return Promise.reject(new OverloadError("The write queue is full. Retry later.", "INGEST_QUEUE_FULL"));
    }
    return new Promise((resolve, reject) => {
      queue.push({ items, bytes, resolve, reject });
      flushAtOnce();
      schedule();
    });
  }

  /** One turn of the event loop lets the requests that arrived together share a flush. */
  function schedule(): void {
    if (scheduled || queue.requests() === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (canFlush()) void runFlush(queue.take());
    });
  }

  /** Before what this turn of the event loop has still to do: to answer a flush, or to read more requests. */
  function flushAtOnce(): void {
    if (queue.requests() >= FLUSH_AT_ONCE_MIN_REQUESTS && canFlush()) void runFlush(queue.take());
  }

  function canFlush(): boolean {
    if (queue.requests() === 0 || inFlight >= flushesMax) return false;
    return inFlight === 0 || queue.items() >= SECOND_FLUSH_MIN_ITEMS;
  }

  async function runFlush(batch: Request<Item>[]): Promise<void> {
    inFlight += 1;
    const [result] = await Promise.allSettled([flushBatch(batch)]);
    inFlight -= 1;
    flushAtOnce();
    if (result.status === "rejected") for (const { reject } of batch) reject(result.reason);
    else for (const [request, outcomes] of shared(result.value, batch)) settle(request, outcomes);
    schedule();
    wakeIdle();
  }

  async function flushBatch(batch: readonly Request<Item>[]): Promise<FlushOutcome[]> {
    return await options.flush(batch.flatMap(({ items }) => items));
  }

  const isIdle = () => queue.requests() === 0 && inFlight === 0;

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

  return {
    write,
    drained,
    depth: () => ({ items: queue.items(), bytes: queue.bytes(), flushes: inFlight }),
  };
}

/** The requests that wait for a flush, in their order. A request is never split. */
function createQueue<Item>({ queueMaxItems, queueMaxBytes }: WriterOptions<Item>) {
  let requests: Request<Item>[] = [];
  let items = 0;
  let bytes = 0;

  /** A single request larger than the queue has room too, once nothing else waits. */
  function hasRoom(moreItems: number, moreBytes: number): boolean {
    if (requests.length === 0) return true;
    const itemsMax = moreItems <= SMALL_REQUEST_MAX_ITEMS ? queueMaxItems : queueMaxItems * BATCHES_SHARE;
    return items + moreItems <= itemsMax && bytes + moreBytes <= queueMaxBytes;
  }

  function push(request: Request<Item>): void {
    requests.push(request);
    items += request.items.length;
    bytes += request.bytes;
  }

  /** What fits into one flush; at least one request. */
  function take(): Request<Item>[] {
    const batch = requests.slice(0, fitting(requests));
    requests = requests.slice(batch.length);
    for (const taken of batch) {
      items -= taken.items.length;
      bytes -= taken.bytes;
    }
    return batch;
  }

  return { hasRoom, push, take, requests: () => requests.length, items: () => items, bytes: () => bytes };
}

/** Each request with its own part of its flush's outcomes. */
function* shared<Item>(
  outcomes: readonly FlushOutcome[],
  batch: readonly Request<Item>[],
): Generator<[Request<Item>, FlushOutcome[]]> {
  let start = 0;
  for (const request of batch) {
    const end = start + request.items.length;
    yield [request, outcomes.slice(start, end)];
    start = end;
  }
}

function settle<Item>({ resolve, reject }: Request<Item>, outcomes: readonly FlushOutcome[]): void {
  const known: Outcome[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "unavailable") {
      reject(outcome.error);
      return;
    }
    known.push(outcome);
  }
  resolve(known);
}

/** How many requests, from the first, one flush takes. */
function fitting<Item>(queue: readonly Request<Item>[]): number {
  let items = 0;
  let bytes = 0;
  const tooMany = queue.findIndex((request, position) => {
    items += request.items.length;
    bytes += request.bytes;
    return position > 0 && (items > FLUSH_MAX_ITEMS || bytes > FLUSH_MAX_BYTES);
  });
  return tooMany === -1 ? queue.length : tooMany;
}
