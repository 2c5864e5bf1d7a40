import type { Database } from "./database.ts";
import { errorCode, TOO_MANY_CONNECTIONS } from "./database-errors.ts";
import { storageTimeout } from "./deadline.ts";

/** After this long without a refusal the pool tries to have all its connections again. */
const SHORTAGE_MS = 30_000;
const PAUSE_MS = 100;
/** How long a pool without any connection is waited for: others of the process hold on to theirs. */
const NONE_MS = 1_000;

export type ShortageOptions = {
  max: number;
  /** How long a query may wait for one of the connections that there are. */
  deadlineMs: number;
  onRefused: () => void;
};

/**
 * The pool with as many queries at once as Postgres gives it connections: a query whose connection was refused waits for one that
 * is open, and so do later ones, which would be refused as well. Where none is open, it is refused soon.
 */
export function withFewerConnections(database: Database, options: ShortageOptions): Database {
  const { max, deadlineMs, onRefused } = options;
  const waiting: (() => void)[] = [];
  let limit = max;
  let refusedAt_ms = 0;
  let running = 0;

  async function turn(): Promise<void> {
    if (limit < max && performance.now() - refusedAt_ms > SHORTAGE_MS) limit = max;
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
  }

  /** Hands the turn over, unless there are to be fewer. */
  function end(): void {
    const next = running <= limit ? waiting.shift() : undefined;
    if (next === undefined) running -= 1;
    else next();
  }
  return {
    ...database,
    run: async (query) => {
      const beganAt_ms = performance.now();
      for (;;) {
        await turn();
        try {
          if (performance.now() - beganAt_ms > deadlineMs) throw storageTimeout(deadlineMs);
          return await database.run(query);
        } catch (error) {
          if (errorCode(error) !== TOO_MANY_CONNECTIONS) throw error;
          refusedAt_ms = performance.now();
          limit = Math.max(1, Math.min(limit, running - 1));
          onRefused();
          const patienceMs = running === 1 ? NONE_MS : deadlineMs;
          if (performance.now() + PAUSE_MS - beganAt_ms > patienceMs) throw error;
        } finally {
          end();
        }
        await Bun.sleep(PAUSE_MS);
      }
    },
  };
}
