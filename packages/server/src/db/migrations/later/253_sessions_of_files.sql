-- Of a session whose transcript file came before any event or report: its device and workspace are those of the first event, then.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS has_only_files BOOLEAN NOT NULL DEFAULT false;
