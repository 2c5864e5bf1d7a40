import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Database } from "../../db/database.ts";
import {
  findFragmented,
  listSettled,
  mergeSegments,
  SMALL_SEGMENT_BYTES,
} from "../../db/transcripts/merge-segments.ts";
import type { FileGeneration, Segment } from "../../db/transcripts/segments.ts";
import { readSegment } from "../read-stored.ts";
import { putFrame } from "./store-piece.ts";

/** As large as the pieces of an upload. */
const MERGED_BYTES_MAX = 4 * 1024 * 1024;
/** Fewer are not worth to be written again. */
const SEGMENTS_MIN = 8;
const GENERATIONS_AT_ONCE = 100;

type Stores = { database: Database; blobs: BlobStore };

/**
 * Merges the small segments of files that grew in many parts into larger ones; stored bytes and positions stay as they are. Answers how
 * many segments are gone. Ends with the signal; the next run continues.
 */
export async function compactSegments(stores: Stores, signal: AbortSignal): Promise<number> {
  let gone = 0;
  for (let after: FileGeneration = { file_id: "0", generation: 0 }; ; ) {
    const from = after;
    const bounds = { segmentsMin: SEGMENTS_MIN, limit: GENERATIONS_AT_ONCE };
    const found = await stores.database.run((sql) => findFragmented(sql, from, bounds));
    for (const place of found) gone += await compactGeneration(stores, place, signal);
    const last = found.at(-1);
    if (last === undefined || signal.aborted) return gone;
    after = last;
  }
}

async function compactGeneration(
  stores: Stores,
  place: FileGeneration,
  signal: AbortSignal,
): Promise<number> {
  let gone = 0;
  for (const run of runsOf(await stores.database.run((sql) => listSettled(sql, place)))) {
    if (signal.aborted) break;
    if (await compactRun(stores, place, run)) gone += run.length - 1;
  }
  return gone;
}

async function compactRun(
  { database, blobs }: Stores,
  place: FileGeneration,
  segments: Segment[],
): Promise<boolean> {
  const parts: Uint8Array[] = [];
  for (const segment of segments) parts.push(await readSegment(blobs, segment));
  const blob_hash = await putFrame({ database, blobs }, new Uint8Array(Buffer.concat(parts)));
  return await database.run((sql) => mergeSegments(sql, place, { segments, blob_hash }));
}

/** Runs of adjacent small segments that fit into one, without those that are too short to be worth it. */
export function runsOf(segments: readonly Segment[]): Segment[][] {
  const runs: Segment[][] = [];
  let run: Segment[] = [];
  let bytes = 0;
  for (const segment of segments) {
    const isSmall = segment.stored_bytes < SMALL_SEGMENT_BYTES;
    if (!isSmall || bytes + segment.stored_bytes > MERGED_BYTES_MAX) {
      runs.push(run);
      run = [];
      bytes = 0;
    }
    if (!isSmall) continue;
    run.push(segment);
    bytes += segment.stored_bytes;
  }
  return [...runs, run].filter(({ length }) => length >= SEGMENTS_MIN);
}
