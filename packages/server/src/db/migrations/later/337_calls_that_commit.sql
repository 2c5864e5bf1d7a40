-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_tool_calls_committing;
-- The calls of a session that made commits, among up to 100,000 others.
CREATE INDEX CONCURRENTLY idx_tool_calls_committing ON tool_calls (session_id) WHERE commits <> '{}';
