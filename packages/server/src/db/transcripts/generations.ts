import type { Sql } from "../postgres.ts";
import type { FileGeneration } from "./segments.ts";

/** A generation of a file of a session, for an archive. */
export type GenerationOfFile = FileGeneration & {
  agent: string;
  device_id: string;
  file: string;
  is_newest: boolean;
  stored_bytes: number;
  /** Milliseconds since 1970. */
  received_ms: number;
};

/** Up to `limit` generations of a session's files behind `position`, in the order of files. */
export async function listGenerations(
  sql: Sql,
  session_id: string,
  position: FileGeneration | null,
  limit: number,
): Promise<GenerationOfFile[]> {
  return await sql<GenerationOfFile[]>`
    SELECT g.file_id::text, g.generation, f.agent, f.device_id, f.file, g.generation = f.generation AS is_newest,
      g.stored_bytes::float8, (1000 * extract(epoch FROM f.last_received_at))::float8 AS received_ms
    FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id
    WHERE g.session_id = ${session_id}
      ${position === null ? sql`` : sql`AND (g.file_id, g.generation) > (${position.file_id}::bigint, ${position.generation}::integer)`}
    ORDER BY g.file_id, g.generation LIMIT ${limit}`;
}
