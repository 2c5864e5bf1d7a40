-- migrate:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS idx_tool_calls_by_commit;
-- Without a list of pending entries: each commit looks into it.
CREATE INDEX CONCURRENTLY idx_tool_calls_by_commit ON tool_calls USING gin (commit_beginnings(commits)) WITH (fastupdate = off)
  WHERE commits <> '{}';
DROP INDEX CONCURRENTLY IF EXISTS idx_tool_calls_commits;
