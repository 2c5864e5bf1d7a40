import { one } from "@wharf/job-runner";
import { UNASSOCIATED_WORKSPACE, UNKNOWN_DEVICE_NAME } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { earlierName } from "../projections/devices.ts";
import { type ExceededBound, tagsFit } from "../projections/session-bounds.ts";
import { microseconds } from "../projections/session-facts.ts";
import { mergeSessions } from "../projections/session-merge.ts";
import { laterPath } from "../projections/workspace-devices.ts";

/** A session as a device reports it, with its workspace resolved. */
export type SessionRow = {
  id: string;
  workspace_id: string;
  /** The workspace as the device names it: of two reports with one start, it says in any order which stands. */
  workspace_reference: string;
  device_id: string;
  device_name: string | null;
  device_type: "local" | "remote" | null;
  local_path: string | null;
  started_at: string;
  ended_at: string | null;
  end_reason: string | null;
  duration_ms: number | null;
  git_branch: string | null;
  model: string | null;
  source: string | null;
  initial_prompt: string | null;
  tags: string[];
  metadata: Record<string, unknown>;
  /** A backfill: what events and reports say of the session stays. */
  fills_gaps: boolean;
};

export type ReportResult = {
  created: boolean;
  deleted: boolean;
  /** What would have become too large; the session is as it was. Null: the report is merged. */
  exceeds: ExceededBound | null;
};
type Merge = { created: boolean; deleted: boolean; merged: boolean };

/** Stores or merges one reported session (`report`: a SessionRow as JSON), with its device and where that keeps the workspace, in one statement. */
export async function reportSession(sql: Sql, report: string): Promise<ReportResult> {
  const rows = await sql<Merge[]>`
    WITH report AS MATERIALIZED (
      SELECT r.*
      FROM jsonb_to_record((${report}::text)::jsonb) AS r (
        id text, workspace_id text, workspace_reference text, device_id text, device_name text, device_type text, local_path text,
        started_at timestamptz, ended_at timestamptz, end_reason text, duration_ms bigint, git_branch text, model text,
        source text, initial_prompt text, tags text[], metadata jsonb, fills_gaps boolean
      )
      WHERE NOT EXISTS (SELECT 1 FROM session_tombstones WHERE session_id = r.id)
    ),
    device AS (
      INSERT INTO devices AS device (id, name, name_said_at, type)
      SELECT device_id, coalesce(device_name, ${UNKNOWN_DEVICE_NAME}), CASE WHEN device_name IS NOT NULL THEN started_at END,
        coalesce(device_type, 'local')
      FROM report
      ON CONFLICT (id) DO UPDATE SET
        ${earlierName(sql)},
        type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
        last_seen_at = now()
    ),
    link AS (
      INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at)
      SELECT workspace_id, device_id, coalesce(local_path, 'unknown'), CASE WHEN local_path IS NOT NULL THEN started_at END
      FROM report
      ON CONFLICT (workspace_id, device_id) DO UPDATE SET
        ${laterPath(sql)},
        last_active_at = now()
    ),
    merged AS (${mergeSessions(sql, sql`(${reportedFacts(sql)})`)} RETURNING s.id, s.workspace_id, s.xmax = 0 AS created),
    change AS (
      INSERT INTO change_log (kind, session_ids, workspace_ids)
      SELECT 'session', ARRAY[id], ARRAY[workspace_id] FROM merged
    )
    SELECT coalesce((SELECT created FROM merged), false) AS created, NOT EXISTS (SELECT 1 FROM report) AS deleted,
      EXISTS (SELECT 1 FROM merged) AS merged`;
  const result = one(rows);
  const { created, deleted, merged } = result;
  return { created, deleted, exceeds: merged || deleted ? null : await exceededBound(sql, report) };
}

async function exceededBound(sql: Sql, report: string): Promise<ExceededBound> {
  const rows = await sql`
    SELECT FROM sessions s, jsonb_to_record((${report}::text)::jsonb) AS r (id text, tags text[])
    WHERE s.id = r.id AND NOT ${tagsFit(sql, sql`r`)}`;
  return rows.length > 0 ? "tags" : "metadata";
}

/** The facts (see session-facts.ts) of a report: it says them at its start, and no event does. A backfill's come last. */
function reportedFacts(sql: Sql) {
  return sql`
    SELECT r.id, NULL::timestamptz AS resumed_at, r.tags, (
      SELECT jsonb_object_agg(key, fact)
      FROM (
        SELECT ${microseconds(sql, sql`r.started_at`)}, CASE WHEN r.fills_gaps THEN 1 ELSE 0 END, CASE WHEN r.fills_gaps THEN 2 ELSE 0 END
      ) AS said (at, end_rank, rank)
      CROSS JOIN LATERAL (
        VALUES
          ('origin', NOT r.fills_gaps, jsonb_build_array(0, at, r.workspace_reference, r.workspace_id, r.device_id)),
          ('backfill', r.fills_gaps, jsonb_build_array(
            (r.workspace_reference = ${UNASSOCIATED_WORKSPACE})::int, at, r.workspace_reference, r.workspace_id, r.device_id)),
          ('end', r.ended_at IS NOT NULL,
            jsonb_build_array(end_rank, -${microseconds(sql, sql`r.ended_at`)}, '', r.end_reason, r.duration_ms)),
          ('source', r.source IS NOT NULL, jsonb_build_array(rank, at, '', r.source)),
          ('git_branch', r.git_branch IS NOT NULL, jsonb_build_array(rank, at, '', r.git_branch)),
          ('model', r.model IS NOT NULL, jsonb_build_array(rank, at, '', r.model)),
          ('initial_prompt', r.initial_prompt IS NOT NULL, jsonb_build_array(rank, at, '', r.initial_prompt))
        UNION ALL
        SELECT 'metadata.' || key, true, jsonb_build_array(rank, at, '', value) FROM jsonb_each(r.metadata)
      ) AS facts (key, is_said, fact)
      WHERE is_said
    ) AS facts
    FROM report r`;
}
