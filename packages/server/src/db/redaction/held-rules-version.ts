import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";

const SETTING = "redacted_rules_version";

/** The version of the rules that has searched all that is held, 0 for none; and whether nothing is held. */
export async function readHeldRulesVersion(sql: Sql): Promise<{ version: number; is_empty: boolean }> {
  return one(
    await sql<{ version: number; is_empty: boolean }[]>`
      SELECT coalesce((SELECT value::integer FROM hub_settings WHERE name = ${SETTING}), 0) AS version,
        NOT EXISTS (SELECT FROM sessions) AND NOT EXISTS (SELECT FROM events) AND NOT EXISTS (SELECT FROM ingest_notes) AS is_empty`,
  );
}

export async function noteHeldRulesVersion(sql: Sql, version: number): Promise<void> {
  await sql`
    INSERT INTO hub_settings AS held (name, value) VALUES (${SETTING}, ${String(version)})
    ON CONFLICT (name) DO UPDATE SET value = greatest(held.value::integer, excluded.value::integer)::text`;
}
