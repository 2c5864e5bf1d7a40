-- migrate:no-transaction
-- parent_totals_key holds the same columns.
DROP INDEX CONCURRENTLY IF EXISTS idx_parent_totals;
