import { one } from "@wharf/job-runner";
import { UNKNOWN_DEVICE_NAME } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { earlierName } from "../projections/devices.ts";
import { type ExceededBound, metadataFits, tagsFit } from "../projections/session-bounds.ts";
import { laterPath } from "../projections/workspace-devices.ts";

/** A session as a device reports it, with its workspace resolved. */
export type SessionRow = {
  id: string;
  workspace_id: string;
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
  agent: string | null;
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
  /** What would have become too large; the session is as it was. Null: the report is stored. */
  exceeds: ExceededBound | null;
};
type Stored = { created: boolean; deleted: boolean; stored: boolean };

/**
 * Stores a reported session (`report`: a SessionRow as JSON), with its device and where that keeps the workspace, in one statement.
 * The session is outdated until refreshSessions has derived it.
 */
export async function reportSession(sql: Sql, report: string): Promise<ReportResult> {
  const isOfOwner = sql`(s.device_id = excluded.device_id OR s.start_reported_at IS NULL)`;
  const rows = await sql<Stored[]>`
    WITH report AS MATERIALIZED (
      SELECT r.*
      FROM jsonb_to_record((${report}::text)::jsonb) AS r (
        id text, workspace_id text, device_id text, device_name text, device_type text, local_path text,
        started_at timestamptz, ended_at timestamptz, end_reason text, duration_ms bigint, git_branch text, model text, agent text,
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
    session AS (
      INSERT INTO sessions AS s (id, workspace_id, device_id, started_at, tags, metadata, is_outdated)
      SELECT id, workspace_id, device_id, started_at, ARRAY(SELECT DISTINCT unnest(tags) ORDER BY 1), metadata, true FROM report
      ON CONFLICT (id) DO UPDATE SET
        tags = CASE WHEN ${isOfOwner} THEN ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1) ELSE s.tags END,
        metadata = CASE WHEN ${isOfOwner} THEN s.metadata || excluded.metadata ELSE s.metadata END,
        is_outdated = true
      WHERE ${tagsFit(sql, sql`excluded`)} AND ${metadataFits(sql, sql`excluded`)}
      RETURNING s.id, s.xmax = 0 AS created
    ),
    kept AS (
      INSERT INTO session_reports (
        session_id, kind, at, workspace_id, device_id, ended_at, end_reason, duration_ms,
        git_branch, model, agent, source, initial_prompt, metadata
      )
      SELECT id, CASE WHEN fills_gaps THEN 'backfill' ELSE 'report' END, started_at, workspace_id, device_id, ended_at, end_reason,
        duration_ms, git_branch, model, agent, source, initial_prompt, metadata
      FROM report JOIN session USING (id)
    )
    SELECT coalesce((SELECT created FROM session), false) AS created, NOT EXISTS (SELECT 1 FROM report) AS deleted,
      EXISTS (SELECT 1 FROM session) AS stored`;
  const { created, deleted, stored } = one(rows);
  return { created, deleted, exceeds: stored || deleted ? null : await exceededBound(sql, report) };
}

async function exceededBound(sql: Sql, report: string): Promise<ExceededBound> {
  const rows = await sql`
    SELECT FROM sessions s, jsonb_to_record((${report}::text)::jsonb) AS r (id text, tags text[])
    WHERE s.id = r.id AND NOT ${tagsFit(sql, sql`r`)}`;
  return rows.length > 0 ? "tags" : "metadata";
}
