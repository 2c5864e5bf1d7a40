-- For the version before, which reads this name during a rolling deployment. Remove the view with the next release.
DROP TABLE IF EXISTS git_totals_by_shard;
CREATE OR REPLACE VIEW git_totals_by_shard AS SELECT workspace_id, type, 0::smallint AS shard, count FROM git_totals;
