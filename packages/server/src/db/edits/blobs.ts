import type { Sql } from "../postgres.ts";

export type StoredBlob = { id: string; size_bytes: number; chunk_count: number };

/** Begins an upload, invisible until it is complete; returns its id. */
export async function beginBlob(sql: Sql): Promise<string> {
  const [row] = await sql<{ id: string }[]>`INSERT INTO blobs DEFAULT VALUES RETURNING id::text`;
  return row?.id ?? "";
}

/** False when the upload was swept away in between. */
export async function appendBlobChunk(
  sql: Sql,
  id: string,
  position: number,
  data: Uint8Array,
): Promise<boolean> {
  const { count } = await sql`
    WITH upload AS (
      UPDATE blobs SET written_at = clock_timestamp() WHERE id = ${id}::bigint AND hash IS NULL RETURNING id)
    INSERT INTO blob_chunks (blob_id, position, data) SELECT id, ${position}::integer, ${data}::bytea FROM upload
    ON CONFLICT (blob_id, position) DO UPDATE SET data = excluded.data`;
  return count === 1;
}

/**
 * Makes the upload visible under its hash. False when it is not there any more, or when the content is stored already;
 * SQLSTATE 23505 when another upload of the same content got in between.
 */
export async function completeBlob(
  sql: Sql,
  id: string,
  blob: { hash: string; size: number; chunks: number },
): Promise<boolean> {
  const { count } = await sql`
    UPDATE blobs SET hash = ${blob.hash}, size_bytes = ${blob.size}::bigint, chunk_count = ${blob.chunks}::integer,
      written_at = clock_timestamp()
    WHERE id = ${id}::bigint AND (hash = ${blob.hash} OR hash IS NULL)
      AND NOT EXISTS (SELECT FROM blobs other WHERE other.hash = ${blob.hash} AND other.id <> ${id}::bigint)`;
  return count === 1;
}

/** Its chunks go with it. */
export async function dropBlobUpload(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM blobs WHERE id = ${id}::bigint AND hash IS NULL`;
}

/** Notes that the content was put again; false when it is not there. */
export async function touchBlob(sql: Sql, hash: string): Promise<boolean> {
  const { count } = await sql`UPDATE blobs SET written_at = clock_timestamp() WHERE hash = ${hash}`;
  return count === 1;
}

/**
 * Removes up to `max` blobs that were not put for `ageMs` and to which no segment of a transcript refers; one that is put again meanwhile
 * stays. Answers how many.
 */
export async function expireBlobs(sql: Sql, ageMs: number, max: number): Promise<number> {
  const isOld = sql`written_at <= clock_timestamp() - make_interval(secs => ${ageMs / 1000}::float8)`;
  const { count } = await sql`
    DELETE FROM blobs
    WHERE id IN (
      SELECT id FROM blobs
      WHERE hash IS NOT NULL AND ${isOld} AND NOT EXISTS (SELECT FROM transcript_segments s WHERE s.blob_hash = blobs.hash)
      LIMIT ${max}::integer
    ) AND ${isOld}`;
  return count;
}

export async function findBlob(sql: Sql, hash: string): Promise<StoredBlob | undefined> {
  const [row] = await sql<StoredBlob[]>`
    SELECT id::text, size_bytes::float8, chunk_count FROM blobs WHERE hash = ${hash}`;
  return row;
}

export async function readBlobChunk(
  sql: Sql,
  id: string,
  position: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const [row] = await sql<{ data: Uint8Array<ArrayBuffer> }[]>`
    SELECT data FROM blob_chunks WHERE blob_id = ${id}::bigint AND position = ${position}::integer`;
  return row?.data;
}

export async function deleteBlob(sql: Sql, hash: string): Promise<boolean> {
  const { count } = await sql`DELETE FROM blobs WHERE hash = ${hash}`;
  return count === 1;
}

/** Removes up to `max` uploads to which nothing was added for `ageMs`; answers how many. */
export async function sweepBlobUploads(sql: Sql, ageMs: number, max: number): Promise<number> {
  const isOld = sql`
    hash IS NULL AND written_at <= clock_timestamp() - make_interval(secs => ${ageMs / 1000}::float8)`;
  const { count } = await sql`
    DELETE FROM blobs WHERE id IN (SELECT id FROM blobs WHERE ${isOld} LIMIT ${max}::integer) AND ${isOld}`;
  return count;
}
