import { RedactionTimeError, RULES_VERSION } from "@wharf/redaction";
import type { BlobStore } from "../blobs/blob-store.ts";
import {
  findOutdatedGenerations,
  lockSegments,
  type OutdatedGeneration,
  type Rewritten,
  writeSegments,
} from "../db/redaction/held-segments.ts";
import { transaction } from "../db/transaction.ts";
import type { Segment } from "../db/transcripts/segments.ts";
import { announceBlob } from "../db/transcripts/unreferenced-blobs.ts";
import { contended } from "../transcripts/custody/custody.ts";
import { readSegment } from "../transcripts/read-stored.ts";
import { addCounts, type Replaced, type Rewrite } from "./redact-rows.ts";
import type { RedactionPool } from "./redaction-pool.ts";

export type TranscriptRewrite = Rewrite & {
  blobs: BlobStore;
  pool: RedactionPool;
  /** Called after a commit that changed the bytes of a session's file. */
  onRewritten: (session_id: string) => Promise<unknown>;
};

/** A file that grows meanwhile is looked at again. */
const ROUNDS_MAX = 20;

/**
 * Replaces the secrets in a session's transcript files that older rules, or none, have searched. Each generation changes in one
 * transaction, after which its file is parsed again. Throws the reason of an aborted signal.
 */
export async function redactTranscripts(
  rewrite: TranscriptRewrite,
  session_id: string,
  replaced: Replaced,
): Promise<void> {
  const { database, onRewritten } = rewrite;
  const outdated = await database.run((sql) => findOutdatedGenerations(sql, session_id, RULES_VERSION));
  let isRewritten = false;
  for (const generation of outdated) {
    try {
      isRewritten = (await redactGeneration(rewrite, generation, replaced)) || isRewritten;
    } catch (error) {
      if (!(error instanceof RedactionTimeError)) throw error;
      replaced.too_slow += 1;
    }
  }
  if (isRewritten) await onRewritten(session_id);
}

/** True: bytes have changed. */
async function redactGeneration(
  rewrite: TranscriptRewrite,
  generation: OutdatedGeneration,
  replaced: Replaced,
): Promise<boolean> {
  const rewritten = new Map<string, Rewritten>();
  const found: Replaced = { rows: 0, secrets: {}, too_slow: 0 };
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const unknown = await rewrite.database.run((sql) =>
      transaction(sql, async ({ query }) => {
        const segments = await lockSegments(query, generation);
        const unknown = segments.filter(({ blob_hash }) => !rewritten.has(blob_hash));
        if (unknown.length > 0 || rewrite.isDryRun) return unknown;
        const placed = segments.map((segment) => ({ ...segment, new: newOf(segment, rewritten) }));
        await writeSegments(query, generation, placed, { version: RULES_VERSION, secrets: found.secrets });
        return unknown;
      }),
    );
    for (const segment of unknown) {
      rewrite.signal.throwIfAborted();
      if (!rewritten.has(segment.blob_hash))
        rewritten.set(segment.blob_hash, await redactSegment(rewrite, generation, segment, found));
    }
    if (unknown.length > 0 && !rewrite.isDryRun) continue;
    replaced.rows += found.rows;
    addCounts(replaced.secrets, Object.entries(found.secrets));
    return !rewrite.isDryRun && found.rows > 0;
  }
  throw contended();
}

function newOf(segment: Segment, rewritten: ReadonlyMap<string, Rewritten>): Rewritten {
  return rewritten.get(segment.blob_hash) ?? segment;
}

/** The segment's bytes without secrets, in the blob store. */
async function redactSegment(
  { database, blobs, pool, isDryRun }: TranscriptRewrite,
  { kind }: OutdatedGeneration,
  segment: Segment,
  found: Replaced,
): Promise<Rewritten> {
  const { blob_hash, stored_bytes } = segment;
  const { bytes, counts } = await pool.redactPart(await readSegment(blobs, segment), kind);
  const hub = Object.entries(counts.hub);
  if (hub.length === 0) return { blob_hash, stored_bytes };
  found.rows += 1;
  addCounts(found.secrets, hub);
  if (isDryRun) return { blob_hash, stored_bytes };
  const frame = new Uint8Array(await Bun.zstdCompress(bytes));
  const hash = new Bun.CryptoHasher("sha256").update(frame).digest("hex");
  if (!(await database.run((sql) => announceBlob(sql, hash)))) throw contended();
  await blobs.put(new Blob([frame]).stream());
  return { blob_hash: hash, stored_bytes: bytes.length };
}
