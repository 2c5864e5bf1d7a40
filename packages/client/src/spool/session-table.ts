import { join } from "node:path";
import { readState, writeDurably } from "./files.ts";

type Begun = { session_id: string; config: string; time_ms: number };
type Table = Record<string, Begun>;

/** Which session an agent's process began last, by its SessionStart hooks. */
export type SessionTable = {
  begin(parents: readonly string[], begun: Begun): Promise<void>;
  /** The session of the nearest of these processes that is an agent; null when none certainly is. */
  find(parents: readonly string[]): Promise<string | null>;
};

const PROCESSES_MAX = 500;

export function createSessionTable(path: string): SessionTable {
  const read = async () => (await readState<Table>(path)) ?? {};

  return {
    async begin(parents, begun) {
      const table = await read();
      for (const pid of parents) if ((table[pid]?.time_ms ?? 0) <= begun.time_ms) table[pid] = begun;
      const latest = Object.entries(table).sort(([, a], [, b]) => b.time_ms - a.time_ms);
      await writeDurably(path, JSON.stringify(Object.fromEntries(latest.slice(0, PROCESSES_MAX))));
    },
    // The agent's own file of the process is stale after /clear: it counts only with the hook's word.
    async find(parents) {
      const table = await read();
      for (const pid of parents) {
        const begun = table[pid];
        if (begun === undefined) continue;
        const own = await readState<{ sessionId?: unknown }>(join(begun.config, "sessions", `${pid}.json`));
        if (own?.sessionId === begun.session_id) return begun.session_id;
      }
      return null;
    },
  };
}
