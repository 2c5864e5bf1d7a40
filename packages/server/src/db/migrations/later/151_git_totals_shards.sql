-- Every flush with git activity adds to a workspace's totals, and two flushes side by side waited for each other's commit: a
-- twentieth of their time. Each backend now adds to a row of its own; readers add these up. git_totals stays as it is for the
-- version before, which can thus be gone back to, with counts as of this migration.
CREATE TABLE IF NOT EXISTS git_totals_by_shard (
  workspace_id TEXT NOT NULL,
  type         TEXT NOT NULL,
  shard        SMALLINT NOT NULL,
  count        BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, type, shard)
);

-- Whoever writes git activity holds this lock before a trigger is fired: what comes after it counts by the functions below.
LOCK TABLE git_activity IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION add_to_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals_by_shard AS t (workspace_id, type, shard, count)
  SELECT workspace_id, type, pg_backend_pid() % 64, count(*) FROM added GROUP BY workspace_id, type ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type, shard) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

-- Another backend may have added what this one takes away: of the rows of a workspace and type only the sum means anything.
CREATE OR REPLACE FUNCTION take_from_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals_by_shard AS t (workspace_id, type, shard, count)
  SELECT workspace_id, type, pg_backend_pid() % 64, -count(*) FROM removed GROUP BY workspace_id, type ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type, shard) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

DELETE FROM git_totals_by_shard;
INSERT INTO git_totals_by_shard (workspace_id, type, shard, count)
SELECT workspace_id, type, 0, count(*) FROM git_activity GROUP BY workspace_id, type;
