-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_sessions_parent;
CREATE INDEX CONCURRENTLY idx_sessions_parent ON sessions (parent_session_id) WHERE parent_session_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS idx_sessions_forked;
CREATE INDEX CONCURRENTLY idx_sessions_forked ON sessions (forked_from) WHERE forked_from IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS idx_sessions_agent;
CREATE INDEX CONCURRENTLY idx_sessions_agent ON sessions (agent, started_at DESC, id DESC) WHERE agent IS NOT NULL;
