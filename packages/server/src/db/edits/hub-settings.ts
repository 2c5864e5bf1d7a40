import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";

export const FIRST_SEARCH = "first_search_at";

/**
 * The value of a setting of this hub; `initial` is stored where there is none yet. Of processes that start at the same time, all get the
 * value that was stored first.
 */
export async function ensureHubSetting(sql: Sql, name: string, initial: string): Promise<string> {
  const rows = await sql<{ value: string }[]>`
    INSERT INTO hub_settings (name, value) VALUES (${name}, ${initial})
    ON CONFLICT (name) DO UPDATE SET value = hub_settings.value
    RETURNING value`;
  return one(rows).value;
}

/** Keeps the time of the first search. */
export async function noteSearch(sql: Sql): Promise<void> {
  await ensureHubSetting(sql, FIRST_SEARCH, new Date().toISOString());
}
