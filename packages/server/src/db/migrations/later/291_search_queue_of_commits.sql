-- Queues the sessions of a statement's commits once each: a row for each commit took a tenth of the time to store it.

CREATE OR REPLACE FUNCTION search_commits_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_queue (session_id)
  SELECT DISTINCT session_id FROM added WHERE session_id IS NOT NULL AND message IS NOT NULL;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION search_commits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_queue (session_id)
  SELECT DISTINCT changed.id
  FROM added a JOIN removed r ON r.id = a.id
  CROSS JOIN LATERAL unnest(ARRAY[a.session_id, r.session_id]) AS changed (id)
  WHERE a.session_id IS DISTINCT FROM r.session_id AND a.message IS NOT NULL AND changed.id IS NOT NULL;
  RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS search_commit_added ON git_activity;
DROP TRIGGER IF EXISTS search_commit_changed ON git_activity;
CREATE OR REPLACE TRIGGER search_commits_added AFTER INSERT ON git_activity REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION search_commits_added();
CREATE OR REPLACE TRIGGER search_commits_changed AFTER UPDATE ON git_activity REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION search_commits_changed();
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER search_commits_added;
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER search_commits_changed;
DROP FUNCTION IF EXISTS search_commit_changed();
