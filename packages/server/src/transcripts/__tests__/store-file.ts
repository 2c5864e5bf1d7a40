import { one } from "@wharf/job-runner";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Sql } from "../../db/postgres.ts";
import type { FileGeneration } from "../../db/transcripts/segments.ts";

export type FileToStore = {
  session_id: string;
  agent: "claude-code" | "codex" | "gemini-cli" | "opencode";
  /** Default: `laptop`. */
  device_id?: string;
  file?: string;
  kind?: "main" | "subagent" | "tool-result" | "meta" | "index";
  generation?: number;
  /** One segment each. */
  parts: readonly (string | Uint8Array)[];
  /** The last line has no newline, and will not be completed. */
  is_torn?: boolean;
};

const NEWLINE = 0x0a;

/** Writes a transcript file as appends leave it, behind what the generation holds, with the session, device and workspace that it needs. */
export async function storeFile(sql: Sql, blobs: BlobStore, stored: FileToStore): Promise<FileGeneration> {
  const {
    session_id,
    agent,
    device_id = "laptop",
    file = "main.jsonl",
    kind = "main",
    generation = 1,
  } = stored;
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'github.com/acme/site', 'site') ON CONFLICT DO NOTHING`;
  await sql`INSERT INTO devices (id, name, type) VALUES (${device_id}, ${device_id}, 'local') ON CONFLICT DO NOTHING`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at) VALUES (${session_id}, 'w', ${device_id}, now())
    ON CONFLICT DO NOTHING`;
  const { id: file_id } = one(
    await sql<{ id: string }[]>`
      INSERT INTO transcript_files (session_id, agent, device_id, file, kind, generation)
      VALUES (${session_id}, ${agent}, ${device_id}, ${file}, ${kind}, ${generation})
      ON CONFLICT (session_id, agent, device_id, file)
      DO UPDATE SET generation = greatest(transcript_files.generation, excluded.generation)
      RETURNING id::text`,
  );
  await sql`
    INSERT INTO transcript_generations (file_id, generation, session_id)
    VALUES (${file_id}::bigint, ${generation}, ${session_id}) ON CONFLICT DO NOTHING`;
  for (const part of stored.parts) {
    const bytes = Uint8Array.from(Buffer.from(part));
    const lines = bytes.filter((byte) => byte === NEWLINE).length;
    const { hash } = await blobs.put(new Blob([await Bun.zstdCompress(bytes)]).stream());
    await sql`
      WITH grown AS (
        UPDATE transcript_generations SET
          source_bytes = source_bytes + ${bytes.length}::bigint, stored_bytes = stored_bytes + ${bytes.length}::bigint,
          lines = lines + ${lines}::bigint, is_torn = ${stored.is_torn ?? false}
        WHERE file_id = ${file_id}::bigint AND generation = ${generation}
        RETURNING stored_bytes
      )
      INSERT INTO transcript_segments (
        file_id, generation, session_id, source_start, source_end, stored_start, stored_bytes, lines, blob_hash
      )
      SELECT ${file_id}::bigint, ${generation}, ${session_id}, stored_bytes - ${bytes.length}::bigint, stored_bytes,
        stored_bytes - ${bytes.length}::bigint, ${bytes.length}::bigint, ${lines}::bigint, ${hash}
      FROM grown`;
  }
  return { file_id, generation };
}
