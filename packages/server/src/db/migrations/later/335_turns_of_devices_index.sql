-- migrate:no-transaction
-- Becomes the primary key: a turn may stand in the files of several devices.
DROP INDEX CONCURRENTLY IF EXISTS idx_transcript_turns_device;
CREATE UNIQUE INDEX CONCURRENTLY idx_transcript_turns_device ON transcript_turns (session_id, turn_id, device_id);
