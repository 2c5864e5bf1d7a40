-- How many events a flush stored: counting its ids would have to read 27 KB a row.
ALTER TABLE change_log ADD COLUMN IF NOT EXISTS event_count INTEGER NOT NULL DEFAULT 0;
