/** Of the texts that are asked for while a query is under way, the next query takes at most so many. */
export const LOOK_UP_GROUP_MAX = 1_000;

type Waiting<Value> = { text: string; resolve(value: Value | null): void; reject(error: unknown): void };

/**
 * Looks up texts by one query at a time for all that are asked for meanwhile: thousands of guesses a second then cost few queries,
 * and a valid text waits for two of them at most. A query that fails fails for all that wait: they would meet the same database.
 */
export function lookUpInGroups<Value>(
  query: (texts: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): (text: string) => Promise<Value | null> {
  let waiting: Waiting<Value>[] = [];
  let isRunning = false;

  function lookUp(text: string): Promise<Value | null> {
    const found = new Promise<Value | null>((resolve, reject) => waiting.push({ text, resolve, reject }));
    if (!isRunning) void run();
    return found;
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await runGroup(waiting.splice(0, LOOK_UP_GROUP_MAX));
    isRunning = false;
  }

  async function runGroup(group: readonly Waiting<Value>[]): Promise<void> {
    try {
      const found = await query(group.map(({ text }) => text));
      for (const { text, resolve } of group) resolve(found.get(text) ?? null);
    } catch (error) {
      const failed = [...group, ...waiting];
      waiting = [];
      for (const { reject } of failed) reject(error);
    }
  }

  return lookUp;
}
