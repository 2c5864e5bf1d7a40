-- Git activity is written by rounds alone, which do not run beside each other in a process: a row for each workspace and type is
-- enough. Its counts, which migration 151 left as they were, are taken from the shards.

-- Every writer of git activity holds this lock before a trigger fires: later changes are counted by the functions below.
LOCK TABLE git_activity IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION add_to_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals AS t (workspace_id, type, count)
  SELECT workspace_id, type, count(*) FROM added GROUP BY workspace_id, type ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION take_from_git_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO git_totals AS t (workspace_id, type, count)
  SELECT workspace_id, type, -count(*) FROM removed r GROUP BY workspace_id, type
  HAVING EXISTS (SELECT FROM git_totals k WHERE k.workspace_id = r.workspace_id AND k.type = r.type)
  ORDER BY workspace_id, type
  ON CONFLICT (workspace_id, type) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

DELETE FROM git_totals;
INSERT INTO git_totals (workspace_id, type, count)
SELECT workspace_id, type, sum(count) FROM git_totals_by_shard GROUP BY workspace_id, type;
