-- What models cost. A change is applied to the responses that are stored already by a job.

CREATE TABLE IF NOT EXISTS prices (
  -- Without provider, date and size of the window, as responses are looked up.
  model              TEXT NOT NULL,
  valid_from         DATE NOT NULL DEFAULT '-infinity',
  -- large_input: of requests whose input with cache is larger than above_input_tokens.
  kind               TEXT NOT NULL CHECK (kind IN ('standard', 'large_input', 'fast')),
  provider           TEXT NOT NULL,
  -- The first day on which it no longer holds.
  valid_to           DATE,
  above_input_tokens BIGINT CHECK ((kind = 'large_input') = (above_input_tokens IS NOT NULL)),
  -- USD per million tokens. Null: unknown.
  input              NUMERIC,
  output             NUMERIC,
  cache_read         NUMERIC,
  cache_write_5m     NUMERIC,
  cache_write_1h     NUMERIC,
  aliases            TEXT[] NOT NULL DEFAULT '{}',
  source             TEXT NOT NULL,
  source_date        TEXT,
  -- False: written by an administrator; a new version does not change it.
  is_shipped         BOOLEAN NOT NULL,
  updated_at         TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (model, valid_from, kind)
);

-- One row: how often prices changed, by which of these states all responses are priced, and how far the job is that prices them anew.
CREATE TABLE IF NOT EXISTS repricing (
  id               BOOLEAN PRIMARY KEY DEFAULT true CHECK (id),
  prices_version   BIGINT NOT NULL DEFAULT 0,
  repriced_version BIGINT NOT NULL DEFAULT 0,
  -- The version that the job applies, and the response that it did last.
  applying_version BIGINT,
  last_agent       TEXT,
  last_key         TEXT
);
