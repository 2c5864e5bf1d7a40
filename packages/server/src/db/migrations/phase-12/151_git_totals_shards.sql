-- Every flush with git activity adds to a workspace's totals, and two flushes side by side waited for each other's commit: a
-- twentieth of their time. Each backend now adds to a row of its own; readers add these up.
ALTER TABLE git_totals ADD COLUMN IF NOT EXISTS shard SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE git_totals DROP CONSTRAINT IF EXISTS git_totals_pkey;
ALTER TABLE git_totals ADD CONSTRAINT git_totals_pkey PRIMARY KEY (workspace_id, type, shard);

CREATE OR REPLACE FUNCTION add_to_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals AS t (workspace_id, type, shard, count)
  SELECT workspace_id, type, pg_backend_pid() % 64, count(*) FROM added GROUP BY workspace_id, type ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type, shard) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

-- Another backend may have added what this one takes away: of the rows of a workspace and type only the sum means anything.
CREATE OR REPLACE FUNCTION take_from_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals AS t (workspace_id, type, shard, count)
  SELECT workspace_id, type, pg_backend_pid() % 64, -count(*) FROM removed GROUP BY workspace_id, type ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type, shard) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;
