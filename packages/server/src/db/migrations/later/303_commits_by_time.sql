-- migrate:no-transaction
-- Of all workspaces: plots of a month would otherwise read all git activity.
DROP INDEX CONCURRENTLY IF EXISTS idx_git_commits;
CREATE INDEX CONCURRENTLY idx_git_commits ON git_activity (timestamp) WHERE type = 'commit';
