-- Which device's file has the turn; empty: a version before this one wrote it.
ALTER TABLE transcript_turns ADD COLUMN IF NOT EXISTS device_id TEXT NOT NULL DEFAULT '';
