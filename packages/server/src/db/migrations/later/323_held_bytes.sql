-- Of the newest generation on the device, so that totals of devices are read from an index of files alone.
ALTER TABLE transcript_files ADD COLUMN IF NOT EXISTS held_bytes BIGINT NOT NULL DEFAULT 0;
