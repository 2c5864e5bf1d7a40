import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** The flush, timed: once a flush, not once an event. */
export function measureFlush<Item, Outcome>(
  flush: (items: readonly Item[]) => Promise<Outcome[]>,
  metrics: ServerMetrics,
): (items: readonly Item[]) => Promise<Outcome[]> {
  return async function measuredFlush(items) {
    const startedAt = performance.now();
    let result = "failed";
    try {
      const outcomes = await flush(items);
      result = "ok";
      return outcomes;
    } finally {
      metrics.flushEvents.observe(items.length);
      metrics.flushSeconds.observe((performance.now() - startedAt) / 1000, result);
    }
  };
}

/** Registers a pool by its name and number of connections; answers what counts and times the queries of its parts. */
export type MeasurePool = (name: string, max: number) => (database: Database) => Database;

export function createMeasurePool(metrics: ServerMetrics): MeasurePool {
  const pools: { name: string; max: number; running: number }[] = [];
  metrics.registry.observed(
    "gauge",
    "wharf_database_queries_running",
    "Queries under way or waiting for a connection.",
    () => pools.map(({ name, running }) => ({ value: running, labels: [name] })),
    ["pool"],
  );
  metrics.registry.observed(
    "gauge",
    "wharf_database_pool_connections_max",
    "Connections that the pool may open.",
    () => pools.map(({ name, max }) => ({ value: max, labels: [name] })),
    ["pool"],
  );

  return (name, max) => {
    const pool = { name, max, running: 0 };
    pools.push(pool);
    return (database) => ({ ...database, run: (query) => measured(pool, () => database.run(query)) });
  };

  async function measured<T>(pool: { name: string; running: number }, run: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    pool.running += 1;
    let result = "ok";
    try {
      return await run();
    } catch (error) {
      result = errorCode(error) === "STORAGE_TIMEOUT" ? "timeout" : "failed";
      throw error;
    } finally {
      pool.running -= 1;
      metrics.queries.add(1, pool.name, result);
      metrics.querySeconds.observe((performance.now() - startedAt) / 1000, pool.name);
    }
  }
}
