import { one } from "@wharf/job-runner";
import type { Fragment, Sql } from "../postgres.ts";

/** Longer than any request takes from the announcement of its blob to its commit. */
const ANNOUNCED_MINUTES = 60;

/**
 * Before a blob is put: keeps it from being removed for ANNOUNCED_MINUTES, in which a segment has to refer to it. False: it is being
 * removed at this moment.
 */
export async function announceBlob(sql: Sql, hash: string): Promise<boolean> {
  const rows = await sql`
    INSERT INTO unreferenced_blobs AS listed (hash) VALUES (${hash})
    ON CONFLICT (hash) DO UPDATE SET since = now() WHERE NOT listed.is_removing
    RETURNING hash`;
  return rows.length > 0;
}

/**
 * Lists the blobs of deleted segments (`deleted`: rows with blob_hash). `at once`: they are removed by the next run of the job, unless an
 * upload has announced one; `later`: a reader may still need them.
 */
export function releasedBlobs(sql: Sql, deleted: Fragment, when: "at once" | "later"): Fragment {
  const since = when === "at once" ? sql`'-infinity'::timestamptz` : sql`now()`;
  return sql`
    INSERT INTO unreferenced_blobs (hash, since)
    SELECT DISTINCT blob_hash, ${since} FROM ${deleted} ORDER BY blob_hash
    ON CONFLICT (hash) DO NOTHING`;
}

export type Removal = {
  /** Listed blobs that were looked at. */
  due: number;
  /** Those without a reference: they have to be removed, then forgotten. */
  hashes: string[];
};

/**
 * Takes up to `limit` blobs that have been listed for long enough: those with a reference are not listed any more, the others are marked,
 * also those that an earlier run marked. From then on no segment can begin to refer to them, because none can be announced.
 */
export async function beginBlobRemoval(sql: Sql, limit: number): Promise<Removal> {
  const rows = await sql<Removal[]>`
    WITH due AS MATERIALIZED (
      SELECT hash, is_removing FROM unreferenced_blobs
      WHERE since < now() - make_interval(mins => ${ANNOUNCED_MINUTES})
      ORDER BY since, hash LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
    ),
    referenced AS MATERIALIZED (
      SELECT hash FROM due
      WHERE NOT is_removing AND EXISTS (SELECT FROM transcript_segments s WHERE s.blob_hash = due.hash)
    ),
    kept AS (DELETE FROM unreferenced_blobs WHERE hash IN (SELECT hash FROM referenced)),
    marked AS (
      UPDATE unreferenced_blobs SET is_removing = true
      WHERE hash IN (SELECT hash FROM due EXCEPT SELECT hash FROM referenced)
      RETURNING hash
    )
    SELECT (SELECT count(*)::int FROM due) AS due, ARRAY(SELECT hash FROM marked ORDER BY hash) AS hashes`;
  return one(rows);
}

/** After these blobs are removed. */
export async function forgetRemovedBlobs(sql: Sql, hashes: readonly string[]): Promise<void> {
  await sql`DELETE FROM unreferenced_blobs WHERE hash = ANY(${hashes}) AND is_removing`;
}

/** Which of these blobs a segment refers to. */
export async function findReferencedBlobs(sql: Sql, hashes: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ hash: string }[]>`
    SELECT hash FROM unnest(${hashes}::text[]) AS hash
    WHERE EXISTS (SELECT FROM transcript_segments s WHERE s.blob_hash = hash)`;
  return new Set(rows.map(({ hash }) => hash));
}
