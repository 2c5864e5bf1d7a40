-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_transcript_segments_small;
CREATE INDEX CONCURRENTLY idx_transcript_segments_small ON transcript_segments (file_id, generation, created_at)
  WHERE stored_bytes < 1048576;
