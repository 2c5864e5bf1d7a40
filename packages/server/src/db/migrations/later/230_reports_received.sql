-- Of two devices, the one whose start or report was received first owns the session.
ALTER TABLE session_reports ADD COLUMN IF NOT EXISTS received_at TIMESTAMPTZ NOT NULL DEFAULT now();
