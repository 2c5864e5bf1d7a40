-- The search index: one document for each part of a session that people look for.

-- Postgres trusts it: it needs no superuser.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE IF NOT EXISTS search_documents (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  -- The block that holds the text; null for a title, a summary or a commit of the session.
  message_id TEXT REFERENCES transcript_messages (id) ON DELETE CASCADE,
  block      INTEGER,
  -- The git activity whose message it is.
  commit_id  TEXT,
  kind       TEXT NOT NULL,
  device_id  TEXT NOT NULL,
  at         TIMESTAMPTZ NOT NULL,
  -- Tokens, their parts and stems with positions; and marked lexemes for filters, such as '@tool:bash' and '@day:2026-03-14'.
  tsv        TSVECTOR NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_search_documents_message ON search_documents (message_id, block)
  WHERE message_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_search_documents_session ON search_documents (session_id);
CREATE INDEX IF NOT EXISTS idx_search_documents_at ON search_documents (at);
-- Every search reads the list of pending entries from its beginning: at most 1 MB.
CREATE INDEX IF NOT EXISTS idx_search_documents_tsv ON search_documents USING gin (tsv) WITH (gin_pending_list_limit = 1024);
-- The statistics name each lexeme that is in more than one of 2,000 documents. The search plans by them.
ALTER TABLE search_documents ALTER COLUMN tsv SET STATISTICS 500;

-- Distinct words and names, for parts of names and close spellings.
CREATE TABLE IF NOT EXISTS search_tokens (token TEXT PRIMARY KEY);
CREATE INDEX IF NOT EXISTS idx_search_tokens_trigrams ON search_tokens USING gin (token gin_trgm_ops);

-- Sessions whose title, first prompt, summary, workspace or commits changed. A job writes their documents.
CREATE TABLE IF NOT EXISTS search_queue (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id TEXT NOT NULL
);
