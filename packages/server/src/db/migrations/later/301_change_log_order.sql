-- migrate:no-transaction
-- The order in which live readers read.
DROP INDEX CONCURRENTLY IF EXISTS idx_change_log_order;
CREATE INDEX CONCURRENTLY idx_change_log_order ON change_log (xid, position);
