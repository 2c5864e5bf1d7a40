-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_sessions_outdated;
CREATE INDEX CONCURRENTLY idx_sessions_outdated ON sessions (id) WHERE is_outdated;
