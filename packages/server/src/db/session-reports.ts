import type { Sql } from "./postgres.ts";
import { mergeSessions } from "./session-merge.ts";

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
  source: string | null;
  initial_prompt: string | null;
  tags: string[];
  metadata: Record<string, unknown>;
};

export type ReportResult = { created: boolean; deleted: boolean };

/** Stores or merges one reported session (`report`: a SessionRow as JSON), with its device and where that keeps the workspace, in one statement. */
export async function reportSession(sql: Sql, report: string): Promise<ReportResult> {
  const [result] = await sql<ReportResult[]>`
    WITH report AS MATERIALIZED (
      SELECT r.*, r.started_at AS start_reported_at, NULL::timestamptz AS resumed_at
      FROM jsonb_to_record((${report}::text)::jsonb) AS r (
        id text, workspace_id text, device_id text, device_name text, device_type text, local_path text,
        started_at timestamptz, ended_at timestamptz, end_reason text, duration_ms bigint, git_branch text, model text,
        source text, initial_prompt text, tags text[], metadata jsonb
      )
      WHERE NOT EXISTS (SELECT 1 FROM session_tombstones WHERE session_id = r.id)
    ),
    device AS (
      INSERT INTO devices AS d (id, name, type)
      SELECT device_id, coalesce(device_name, 'unknown-device'), coalesce(device_type, 'local') FROM report
      ON CONFLICT (id) DO UPDATE SET
        name = CASE WHEN d.name = 'unknown-device' THEN excluded.name ELSE d.name END,
        type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE d.type END,
        last_seen_at = now()
    ),
    link AS (
      INSERT INTO workspace_devices AS l (workspace_id, device_id, local_path)
      SELECT workspace_id, device_id, coalesce(local_path, 'unknown') FROM report
      ON CONFLICT (workspace_id, device_id) DO UPDATE SET
        local_path = CASE WHEN excluded.local_path = 'unknown' THEN l.local_path ELSE excluded.local_path END,
        last_active_at = now()
    ),
    merged AS (${mergeSessions(sql, sql`report`)} RETURNING s.id, s.workspace_id, s.xmax = 0 AS created),
    change AS (
      INSERT INTO change_log (kind, session_ids, workspace_ids)
      SELECT 'session', ARRAY[id], ARRAY[workspace_id] FROM merged
    )
    SELECT coalesce((SELECT created FROM merged), false) AS created, NOT EXISTS (SELECT 1 FROM report) AS deleted`;
  if (result === undefined) throw new Error("the report returned no row");
  return result;
}
