-- migrate:no-transaction
-- By the hash of a commit, the rewrites that made or replaced it. Without fastupdate: each look-up would read the list of pending entries.
-- lower() keeps plans from the index by type, which is cheaper only as long as rewrites are few.
DROP INDEX CONCURRENTLY IF EXISTS idx_events_rewrites;
CREATE INDEX CONCURRENTLY idx_events_rewrites ON events USING gin ((data -> 'pairs') jsonb_path_ops) WITH (fastupdate = off)
  WHERE lower(type) = 'git.rewrite';
