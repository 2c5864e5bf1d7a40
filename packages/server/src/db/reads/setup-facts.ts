import { one } from "@wharf/job-runner";
import { AGENTS } from "@wharf/protocol";
import { FIRST_SEARCH } from "../edits/hub-settings.ts";
import type { Sql } from "../postgres.ts";

/** Hooks that were installed once are found among so many of the latest starts. */
const STARTS_MAX = 5_000;

export type SetupFacts = {
  has_device: boolean;
  has_event: boolean;
  has_transcript: boolean;
  has_search: boolean;
  /** Of sessions and of devices' reports. */
  agents: string[];
  /** Of starts of sessions, which hooks alone send. */
  agents_with_hooks: string[];
};

/** What has happened on this hub so far. */
export async function readSetupFacts(sql: Sql): Promise<SetupFacts> {
  const rows = await sql<SetupFacts[]>`
    WITH starts AS (
      SELECT coalesce(data ->> 'agent', ${AGENTS[0]}) AS agent
      FROM (SELECT data FROM events WHERE type = 'session.start' ORDER BY timestamp DESC LIMIT ${STARTS_MAX}) latest
    )
    SELECT
      EXISTS (SELECT FROM devices WHERE status <> 'terminated') AS has_device,
      EXISTS (SELECT FROM events) AS has_event,
      EXISTS (SELECT FROM transcript_generations WHERE parsed_bytes > 0) AS has_transcript,
      EXISTS (SELECT FROM hub_settings WHERE name = ${FIRST_SEARCH}) AS has_search,
      ARRAY(
        SELECT agent FROM unnest(${[...AGENTS]}::text[]) WITH ORDINALITY AS known (agent, place)
        WHERE EXISTS (SELECT FROM sessions s WHERE s.agent = known.agent)
          OR EXISTS (SELECT FROM device_reports r
            WHERE r.facts -> 'agents' @> jsonb_build_array(jsonb_build_object('agent', known.agent)))
        ORDER BY place) AS agents,
      ARRAY(SELECT DISTINCT agent FROM starts WHERE agent = ANY (${[...AGENTS]}::text[]) ORDER BY agent) AS agents_with_hooks`;
  return one(rows);
}
