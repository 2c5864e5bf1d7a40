-- What a device's client reports of itself: the latest report of each.
CREATE TABLE IF NOT EXISTS device_reports (
  device_id     TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
  reported_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  clock_skew_ms BIGINT NOT NULL, -- the device's clock minus this one
  facts         JSONB NOT NULL
);
