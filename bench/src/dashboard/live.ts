import { createUlid } from "../../../packages/protocol/src/ulid.ts";
import { memoryMb } from "../processes.ts";
import { percentile, rounded } from "../report.ts";
import { sized } from "../scale.ts";
import { type Hub, sendEvent } from "./hub.ts";
import { openViewer } from "./viewers.ts";

const WARM_UP_EVENTS = sized(30, 1);
const EVENTS = sized(500, 5);
const PAUSE_MS_MAX = 60;
const VIEWERS = sized(200, 5);
const EVENTS_FOR_VIEWERS = sized(100, 2);
const ARRIVES_WITHIN_MS = 30_000;

/**
 * From the response to an event, which follows its commit, until the event arrives at a viewer of another process, one at a time.
 * `live_sent`: from the sending of the event.
 */
export async function measureLatency(hub: Hub): Promise<Record<string, number>> {
  const arrivals = new Map<string, (at_ms: number) => void>();
  let text = "";
  const viewer = await openViewer(hub.reader, (chunk) => {
    text = (text + chunk).slice(-100_000);
    for (const [id, arrive] of arrivals) if (text.includes(`"ids":["${id}"]`)) arrive(performance.now());
  });
  const latencies_ms: number[] = [];
  const sent_ms: number[] = [];
  for (let n = 0; n < WARM_UP_EVENTS + EVENTS; n++) {
    const id = createUlid();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = setTimeout(() => reject(new Error(`event ${id} has not arrived`)), ARRIVES_WITHIN_MS);
    arrivals.set(id, resolve);
    const sentAt_ms = performance.now();
    await sendEvent(hub.writer, id, `session-${n % 20}`);
    const storedAt_ms = performance.now();
    const arrivedAt_ms = await promise;
    clearTimeout(late);
    arrivals.delete(id);
    if (n >= WARM_UP_EVENTS) {
      latencies_ms.push(Math.max(0, arrivedAt_ms - storedAt_ms));
      sent_ms.push(arrivedAt_ms - sentAt_ms);
    }
    // In no step with the intervals of the server.
    await Bun.sleep(Math.random() * PAUSE_MS_MAX);
  }
  viewer.close();
  return {
    live_p50_ms: rounded(percentile(latencies_ms, 0.5)),
    live_p99_ms: rounded(percentile(latencies_ms, 0.99)),
    live_sent_p50_ms: rounded(percentile(sent_ms, 0.5)),
    live_sent_p99_ms: rounded(percentile(sent_ms, 0.99)),
  };
}

/** What the resident memory of one process grows by, with 200 viewers that get every change. */
export async function measureViewers(hub: Hub): Promise<Record<string, number>> {
  const first = await openViewer(hub.reader, () => undefined);
  await sendSome(hub);
  const before_mb = memoryMb(hub.reader.pid);
  const received = { characters: 0 };
  const count = (text: string) => {
    received.characters += text.length;
  };
  const viewers = await Promise.all(Array.from({ length: VIEWERS - 1 }, () => openViewer(hub.reader, count)));
  await sendSome(hub);
  // The server sends what waits and collects garbage meanwhile, so that what viewers keep is measured.
  await Bun.sleep(sized(2_000, 100));
  const added_mb = memoryMb(hub.reader.pid) - before_mb;
  for (const viewer of [first, ...viewers]) viewer.close();
  const received_mb = rounded(received.characters / 2 ** 20);
  return { viewers: VIEWERS, viewers_added_mb: rounded(added_mb), viewers_received_mb: received_mb };
}

async function sendSome(hub: Hub): Promise<void> {
  for (let n = 0; n < EVENTS_FOR_VIEWERS; n++) await sendEvent(hub.writer, createUlid(), `session-${n % 20}`);
}
