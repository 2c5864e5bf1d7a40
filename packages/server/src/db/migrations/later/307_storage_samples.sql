-- How much space the database used, once a day: its growth follows from them.
CREATE TABLE IF NOT EXISTS storage_samples (
  day        DATE PRIMARY KEY,
  sampled_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  bytes      BIGINT NOT NULL,
  tables     JSONB NOT NULL -- bytes by table, with indexes
);
