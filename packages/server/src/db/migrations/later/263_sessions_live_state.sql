-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_sessions_live_state;
CREATE INDEX CONCURRENTLY idx_sessions_live_state ON sessions (live_state, started_at DESC, id DESC) WHERE live_state IS NOT NULL;
