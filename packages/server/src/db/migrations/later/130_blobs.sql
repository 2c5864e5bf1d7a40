-- A blob is visible once it has its hash; until then it is an upload, which ends by getting one or is swept.
CREATE TABLE IF NOT EXISTS blobs (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash         TEXT UNIQUE,
  size_bytes   BIGINT,
  chunk_count  INTEGER,
  created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  written_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT blobs_hash_check CHECK (hash ~ '^[0-9a-f]{64}$'),
  CONSTRAINT blobs_complete_check CHECK (num_nulls(hash, size_bytes, chunk_count) IN (0, 3))
);

CREATE INDEX IF NOT EXISTS idx_blobs_uploads ON blobs (written_at) WHERE hash IS NULL;

CREATE TABLE IF NOT EXISTS blob_chunks (
  blob_id   BIGINT NOT NULL REFERENCES blobs(id) ON DELETE CASCADE,
  position  INTEGER NOT NULL,
  data      BYTEA NOT NULL,
  PRIMARY KEY (blob_id, position)
);

-- The chunks are zstd already: the database's own compression would only cost time.
ALTER TABLE blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
