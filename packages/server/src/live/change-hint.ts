import type { Database } from "../db/database.ts";
import { CHANGE_CHANNEL, notifyChange } from "../db/ingest/change-log.ts";
import type { Pools } from "../db/pools.ts";
import { pause } from "../waits.ts";

/** From one notification's begin to the next one's: 20 a second cost a process 0.3 % of a core. */
const NOTIFY_INTERVAL_MS = 50;

/**
 * Tells the live readers of all processes that flushes were committed, by statements of their own. A notification that is lost costs
 * them the time until they look by themselves.
 */
export function createChangeHint(database: Database): () => void {
  let isDue = false;
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (isDue) {
      isDue = false;
      await database.run(notifyChange).catch(() => undefined);
      await pause(NOTIFY_INTERVAL_MS);
    }
    isRunning = false;
  }

  return function hint() {
    isDue = true;
    if (!isRunning) void run();
  };
}

/**
 * Calls `wake` for each notification and after each reconnection, over a connection of its own. Without one (a pooler, a lost
 * connection) readers look by themselves.
 */
export async function listenForChanges({ listen }: Pick<Pools, "listen">, wake: () => void): Promise<void> {
  try {
    const sql = await listen.sql();
    if (sql !== false) await sql.listen(CHANGE_CHANNEL, wake, wake);
  } catch {
    // The reader looks by itself.
  }
}
