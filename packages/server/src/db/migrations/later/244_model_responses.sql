-- One row for each model response in the whole hub, however many files hold it.

-- A response in a file: the largest of each number that the file's records name, and the texts of the latest record.
CREATE TABLE IF NOT EXISTS response_sightings (
  agent               TEXT NOT NULL,
  response_key        TEXT NOT NULL,
  file_id             BIGINT NOT NULL REFERENCES transcript_files (id) ON DELETE CASCADE,
  session_id          TEXT NOT NULL,
  subagent_id         TEXT,
  first_at            TIMESTAMPTZ,
  last_at             TIMESTAMPTZ,
  model               TEXT,
  speed               TEXT,
  service_tier        TEXT,
  inference_geo       TEXT,
  input               BIGINT,
  output              BIGINT,
  cache_read          BIGINT,
  cache_write_5m      BIGINT,
  cache_write_1h      BIGINT,
  reasoning           BIGINT,
  web_searches        BIGINT,
  cache_write_unsplit BIGINT NOT NULL DEFAULT 0,
  is_lower_bound      BOOLEAN NOT NULL,
  is_copy             BOOLEAN NOT NULL,
  is_sidechain        BOOLEAN NOT NULL,
  PRIMARY KEY (agent, response_key, file_id)
);
CREATE INDEX IF NOT EXISTS idx_response_sightings_session ON response_sightings (session_id);
CREATE INDEX IF NOT EXISTS idx_response_sightings_file ON response_sightings (file_id);

CREATE TABLE IF NOT EXISTS model_responses (
  agent               TEXT NOT NULL,
  response_key        TEXT NOT NULL,
  -- The owner: the smallest of (is a copy, is a sidechain, the file's first time, session id, file).
  session_id          TEXT NOT NULL REFERENCES sessions (id),
  subagent_id         TEXT,
  file                TEXT NOT NULL,
  model               TEXT,
  at                  TIMESTAMPTZ,
  speed               TEXT,
  service_tier        TEXT,
  inference_geo       TEXT,
  -- Tokens: input without cache, output with reasoning. Null: unknown.
  input               BIGINT,
  output              BIGINT,
  cache_read          BIGINT,
  cache_write_5m      BIGINT,
  cache_write_1h      BIGINT,
  reasoning           BIGINT,
  web_searches        BIGINT,
  cache_write_unsplit BIGINT NOT NULL DEFAULT 0,
  is_lower_bound      BOOLEAN NOT NULL,
  -- Null: the model has no price.
  cost_usd            NUMERIC,
  cost_is_partial     BOOLEAN NOT NULL DEFAULT false,
  PRIMARY KEY (agent, response_key)
);
CREATE INDEX IF NOT EXISTS idx_model_responses_session ON model_responses (session_id);
CREATE INDEX IF NOT EXISTS idx_model_responses_at ON model_responses (at);
