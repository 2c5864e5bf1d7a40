import { one } from "@wharf/job-runner";
import { AGENTS } from "@wharf/protocol";
import { DEMO_DEVICE_IDS } from "@wharf/protocol/demo-devices";
import { FIRST_SEARCH } from "../edits/hub-settings.ts";
import type { Sql } from "../postgres.ts";

/** Hooks that were installed once are found among so many of the latest starts. */
const STARTS_MAX = 5_000;

export type SetupFacts = {
  has_device: boolean;
  has_event: boolean;
  has_transcript: boolean;
  has_search: boolean;
  /** Of sessions and reports of devices. */
  agents: string[];
  /** Of starts of sessions, which hooks alone send. */
  agents_with_hooks: string[];
};

/** What has happened on this hub so far; what the demo sent does not count. */
export async function readSetupFacts(sql: Sql): Promise<SetupFacts> {
  const notDemo = sql`<> ALL (${Object.values(DEMO_DEVICE_IDS)}::text[])`;
  const rows = await sql<SetupFacts[]>`
    WITH starts AS (
      SELECT coalesce(data ->> 'agent', ${AGENTS[0]}) AS agent
      FROM (
        SELECT data FROM events WHERE type = 'session.start' AND device_id ${notDemo}
        ORDER BY timestamp DESC LIMIT ${STARTS_MAX}
      ) latest
    )
    SELECT
      EXISTS (SELECT FROM devices WHERE status <> 'terminated' AND id ${notDemo}) AS has_device,
      EXISTS (SELECT FROM events WHERE device_id ${notDemo}) AS has_event,
      EXISTS (
        SELECT FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id
        WHERE g.parsed_bytes > 0 AND f.device_id ${notDemo}
      ) AS has_transcript,
      EXISTS (SELECT FROM hub_settings WHERE name = ${FIRST_SEARCH}) AS has_search,
      ARRAY(
        SELECT agent FROM unnest(${[...AGENTS]}::text[]) WITH ORDINALITY AS known (agent, place)
        WHERE EXISTS (SELECT FROM sessions s WHERE s.agent = known.agent AND device_id ${notDemo})
          OR EXISTS (SELECT FROM device_reports r
            WHERE device_id ${notDemo} AND r.facts -> 'agents' @> jsonb_build_array(jsonb_build_object('agent', known.agent)))
        ORDER BY place) AS agents,
      ARRAY(SELECT DISTINCT agent FROM starts WHERE agent = ANY (${[...AGENTS]}::text[]) ORDER BY agent) AS agents_with_hooks`;
  return one(rows);
}
