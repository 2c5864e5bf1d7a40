-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_git_outdated;
CREATE INDEX CONCURRENTLY idx_git_outdated ON git_activity (id) WHERE matched_to IS DISTINCT FROM coalesce(session_id, '');
-- Each commit looks into it, and a search also reads the whole list of entries that are not sorted in yet.
ALTER INDEX idx_tool_calls_commits SET (fastupdate = off);
