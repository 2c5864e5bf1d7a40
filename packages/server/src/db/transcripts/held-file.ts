import type { Sql } from "../postgres.ts";
import { isUnseen } from "../projections/devices.ts";

export type FilePlace = { session_id: string; agent: string; device_id: string; file: string };

/** The newest generation of a file, or another one that was asked for. */
export type HeldFile = {
  file_id: string;
  kind: string;
  generation: number;
  source_bytes: number;
  source_hash: string | null;
  stored_bytes: number;
  is_torn: boolean;
};

export type HeldState = {
  is_deleted: boolean;
  /** The device was not seen for a while. */
  is_device_unseen: boolean;
  /** Null: nothing is known of the session. */
  session: HeldSession | null;
  /** Null: the file is new. */
  file: HeldFile | null;
};

export type HeldSession = {
  workspace_id: string;
  has_agent: boolean;
  has_transcript: boolean;
  /** Nothing but files of this device is known of it, and no file named its workspace. */
  lacks_workspace: boolean;
  /** It belongs to this device and was not heard of for a while. */
  is_silent: boolean;
};

/** A row written for every part would delay the projection of the session's events; silence is measured in minutes. */
const HEARD_INTERVAL_S = 30;

type HeldRow = HeldState & { session: HeldSession | null; file: HeldFile | null };

/** What is held of a file and its session. */
export async function readHeld(
  sql: Sql,
  { session_id, agent, device_id, file }: FilePlace,
  unassociatedWorkspace: string,
): Promise<HeldState> {
  const rows = await sql<HeldRow[]>`
    SELECT
      EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = sent.id) AS is_deleted,
      EXISTS (SELECT FROM devices d WHERE d.id = ${device_id} AND ${isUnseen(sql, sql`d`)}) AS is_device_unseen,
      CASE WHEN s.id IS NOT NULL THEN json_build_object(
        'workspace_id', s.workspace_id,
        'has_agent', s.agent IS NOT NULL,
        'has_transcript', s.transcript_s3_key IS NOT NULL,
        'lacks_workspace', s.has_only_files AND s.device_id = ${device_id} AND w.canonical_id = ${unassociatedWorkspace},
        'is_silent', s.device_id = ${device_id} AND s.last_heard_at < now() - make_interval(secs => ${HEARD_INTERVAL_S})
      ) END AS session,
      CASE WHEN f.id IS NOT NULL THEN json_build_object(
        'file_id', f.id::text, 'kind', f.kind, 'generation', f.generation, 'source_bytes', g.source_bytes,
        'source_hash', g.source_hash, 'stored_bytes', g.stored_bytes, 'is_torn', g.is_torn
      ) END AS file
    FROM (SELECT ${session_id}::text AS id) AS sent
    LEFT JOIN sessions s ON s.id = sent.id
    LEFT JOIN workspaces w ON w.id = s.workspace_id
    LEFT JOIN transcript_files f
      ON f.session_id = sent.id AND f.agent = ${agent} AND f.device_id = ${device_id} AND f.file = ${file}
    LEFT JOIN transcript_generations g ON g.file_id = f.id AND g.generation = f.generation`;
  return rows[0] ?? { is_deleted: false, is_device_unseen: false, session: null, file: null };
}

export type SentPart = {
  source_start: number;
  source_end: number;
  source_hash: string | null;
  sent_hash: string;
};

/**
 * The generation as held, if this part of it was stored before: by its start and content, or by its end and the hash of all bytes before
 * it. Null: it was not, or not in these bounds.
 */
export async function findRepeated(
  sql: Sql,
  file_id: string,
  generation: number,
  part: SentPart,
): Promise<HeldFile | null> {
  const rows = await sql<HeldFile[]>`
    SELECT f.id::text AS file_id, f.kind, g.generation, g.source_bytes::float8, g.source_hash, g.stored_bytes::float8, g.is_torn
    FROM transcript_files f JOIN transcript_generations g ON g.file_id = f.id
    WHERE f.id = ${file_id}::bigint AND g.generation = ${generation}::integer AND EXISTS (
      SELECT FROM transcript_segments s
      WHERE s.file_id = f.id AND s.generation = g.generation AND s.source_end = ${part.source_end}::bigint AND (
        s.source_hash = ${part.source_hash}
        OR (s.source_start = ${part.source_start}::bigint AND s.sent_hash = ${part.sent_hash})
      )
    )`;
  return rows[0] ?? null;
}
