import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";

export type SessionGain = {
  session_id: string;
  device_id: string;
  agent: string;
  transcript_key: string | null;
  /** For a session of which nothing but files of this device is known. Null: it stays. */
  workspace_id: string | null;
};

/**
 * Writes to a session what a file of its own device tells: an agent and a transcript where it has none, its workspace, and that it is
 * active.
 */
export async function updateSessionOfFile(sql: Sql, gain: SessionGain): Promise<void> {
  const { session_id, device_id, agent, transcript_key, workspace_id } = gain;
  await sql`
    UPDATE sessions SET
      agent = coalesce(agent, ${agent}),
      transcript_s3_key = coalesce(transcript_s3_key, ${transcript_key}),
      workspace_id = CASE WHEN has_only_files THEN coalesce(${workspace_id}, workspace_id) ELSE workspace_id END,
      last_heard_at = now()
    WHERE id = ${session_id} AND device_id = ${device_id} AND deleted_at IS NULL`;
}

/** What an upload that names neither device nor agent belongs to; nulls for a session that is not known. */
export type UploadTarget = { device_id: string | null; agent: string | null; is_deleted: boolean };

export async function findUploadTarget(sql: Sql, session_id: string): Promise<UploadTarget> {
  const rows = await sql<UploadTarget[]>`
    SELECT s.device_id, s.agent, EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = sent.id) AS is_deleted
    FROM (SELECT ${session_id}::text AS id) AS sent LEFT JOIN sessions s ON s.id = sent.id`;
  return one(rows);
}
