import type { Sql } from "../postgres.ts";
import type { FileGeneration } from "./segments.ts";

/** More than any session has: each is a file of the agent. */
const FILES_MAX = 10_000;

export type ListedFile = {
  file: string;
  kind: string;
  agent: string;
  device_id: string;
  generation: number;
  source_bytes: number;
  source_hash: string | null;
  stored_bytes: number;
  lines: number;
  last_received_at: string;
  parsed_bytes: number;
  deletes_at: string | null;
};

/** The newest generation of each file of a session, or of those of one device. Needs the types of JSON answers (wireTypes). */
export async function listFiles(
  sql: Sql,
  session_id: string,
  device_id: string | null,
): Promise<ListedFile[]> {
  return await sql<ListedFile[]>`
    SELECT f.file, f.kind, f.agent, f.device_id, f.generation, g.source_bytes, g.source_hash, g.stored_bytes, g.lines,
      f.last_received_at, g.parsed_bytes, f.deletes_at
    FROM transcript_files f JOIN transcript_generations g ON g.file_id = f.id AND g.generation = f.generation
    WHERE f.session_id = ${session_id} ${device_id === null ? sql`` : sql`AND f.device_id = ${device_id}`}
      AND NOT EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = f.session_id)
    ORDER BY f.file, f.agent, f.device_id LIMIT ${FILES_MAX}::integer`;
}

export type FileFilter = {
  session_id: string;
  /** Undefined: the main one. */
  file: string | undefined;
  generation: number | undefined;
  agent: string | undefined;
  device_id: string | undefined;
};

/** A generation of a file, the newest by default; of several devices' files, that of the session's device first. */
export async function findFile(sql: Sql, filter: FileFilter): Promise<FileGeneration | null> {
  const { session_id, file, generation, agent, device_id } = filter;
  const rows = await sql<FileGeneration[]>`
    SELECT f.id::text AS file_id, g.generation
    FROM transcript_files f JOIN sessions s ON s.id = f.session_id JOIN transcript_generations g ON g.file_id = f.id
    WHERE f.session_id = ${session_id} AND ${file === undefined ? sql`f.kind = 'main'` : sql`f.file = ${file}`} AND s.deleted_at IS NULL
      ${agent === undefined ? sql`` : sql`AND f.agent = ${agent}`}
      ${device_id === undefined ? sql`` : sql`AND f.device_id = ${device_id}`}
      AND g.generation = ${generation === undefined ? sql`f.generation` : sql`${generation}::integer`}
    ORDER BY f.device_id = s.device_id DESC, f.last_received_at DESC, f.id LIMIT 1`;
  return rows[0] ?? null;
}
