-- migrate:no-transaction
-- Totals of a device: 20,000 files took 50 ms joined with their generations, and take 3 ms from this index.
DROP INDEX CONCURRENTLY IF EXISTS idx_transcript_files_held;
CREATE INDEX CONCURRENTLY idx_transcript_files_held ON transcript_files (device_id) INCLUDE (held_bytes, deletes_at);
