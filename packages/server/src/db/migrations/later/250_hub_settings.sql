-- Values that a hub makes for itself at its first start, such as the secret of its redaction markers.
CREATE TABLE IF NOT EXISTS hub_settings (
  name       TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
