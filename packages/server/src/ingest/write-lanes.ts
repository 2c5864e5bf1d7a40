import { createWriter, type Outcome, type Writer, type WriterOptions } from "./writer.ts";

/** From this size on a request is large. */
const LARGE_REQUEST_BYTES = 1024 * 1024;

/**
 * Two writers, each with half of the queue's bytes and with its number of items: large requests delay only each other. In one queue a
 * single event waited up to two seconds behind batches of 30 MB.
 */
export function createWriteLanes<Item>(options: WriterOptions<Item>): Writer<Item> {
  const share = { ...options, queueMaxBytes: options.queueMaxBytes / 2 };
  const usual = createWriter(share);
  const large = createWriter({ ...share, flushesMax: 1 });

  function write(items: readonly Item[]): Promise<Outcome[]> {
    const bytes = items.reduce((sum, item) => sum + options.sizeOf(item), 0);
    return (bytes < LARGE_REQUEST_BYTES ? usual : large).write(items, bytes);
  }

  async function drained(): Promise<void> {
    await Promise.all([usual.drained(), large.drained()]);
  }

  function depth() {
    const [one, other] = [usual.depth(), large.depth()];
    return {
      items: one.items + other.items,
      bytes: one.bytes + other.bytes,
      flushes: one.flushes + other.flushes,
    };
  }

  return { write, drained, depth };
}
