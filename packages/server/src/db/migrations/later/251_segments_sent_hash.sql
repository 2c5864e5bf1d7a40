-- SHA-256 of the segment's whole lines as they were sent, before redaction here: a part that is sent again is recognized by it.
ALTER TABLE transcript_segments ADD COLUMN IF NOT EXISTS sent_hash TEXT;
