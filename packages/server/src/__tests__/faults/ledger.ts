import { toolUse } from "../../ingest/__tests__/event-factory.ts";
import { ADMIN_KEY, postEvents } from "./server-process.ts";

export type Ledger = {
  /** Ids of acknowledged events. */
  readonly acknowledged: readonly string[];
  /** Ids of acknowledged jobs. */
  readonly jobs: readonly string[];
  readonly batches: number;
  /** Requests that failed, or that got no response. */
  readonly failures: number;
  /** The longest time between two acknowledgements of events. */
  readonly longestGapMs: number;
  /** Resolves when every batch that was sent is acknowledged. */
  stop(): Promise<void>;
};

const DEVICES = 6;
const BATCH_SIZE = 20;
const SESSIONS = 8;
const PAUSE_MS = 20;
const REQUEST_MS = 15_000;

/**
 * Devices that send the same batch until one of the servers acknowledges it, each time to another server after a failure, and a client
 * that enqueues jobs in the same way.
 */
export function startLedger(urls: readonly string[], random: () => number): Ledger {
  const acknowledged: string[] = [];
  const jobs: string[] = [];
  const state = { isStopped: false, batches: 0, failures: 0, longestGapMs: 0, lastAt_ms: performance.now() };

  async function untilAccepted<T>(send: (url: string) => Promise<T | null>): Promise<T> {
    for (let server = Math.floor(random() * urls.length); ; server += 1) {
      const response = await send(urls[server % urls.length] ?? "");
      if (response !== null) return response;
      state.failures += 1;
      await Bun.sleep(PAUSE_MS);
    }
  }

  async function runDevice(device: number): Promise<void> {
    while (!state.isStopped) {
      const batch = Array.from({ length: BATCH_SIZE }, () =>
        toolUse(`session-${Math.floor(random() * SESSIONS)}`, Math.floor(random() * 60), {
          device_id: `device-${device}`,
        }),
      );
      await untilAccepted(async (url) => ((await postEvents(url, batch))?.status === 202 ? true : null));
      const now_ms = performance.now();
      state.longestGapMs = Math.max(state.longestGapMs, now_ms - state.lastAt_ms);
      state.lastAt_ms = now_ms;
      state.batches += 1;
      acknowledged.push(...batch.map(({ id }) => id));
    }
  }

  async function enqueueJobs(): Promise<void> {
    while (!state.isStopped) {
      const idempotency_key = crypto.randomUUID();
      jobs.push(await untilAccepted((url) => enqueue(url, idempotency_key)));
      await Bun.sleep(PAUSE_MS);
    }
  }

  const running = Promise.all([...Array.from({ length: DEVICES }, (_, n) => runDevice(n)), enqueueJobs()]);
  return {
    acknowledged,
    jobs,
    get batches() {
      return state.batches;
    },
    get failures() {
      return state.failures;
    },
    get longestGapMs() {
      return state.longestGapMs;
    },
    stop: async () => {
      state.isStopped = true;
      await running;
    },
  };
}

async function enqueue(url: string, idempotency_key: string): Promise<string | null> {
  try {
    const response = await fetch(`${url}/api/jobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ type: "resume-deletions", input: { due_ms: 0 }, idempotency_key }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const body = (await response.json()) as { job?: { id: string } };
    return body.job?.id ?? null;
  } catch {
    return null;
  }
}
