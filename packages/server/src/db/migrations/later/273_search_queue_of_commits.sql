-- Queues a session for the search when a commit becomes its own, or no longer is.

CREATE OR REPLACE FUNCTION search_commit_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_queue (session_id)
  SELECT DISTINCT id FROM unnest(ARRAY[NEW.session_id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.session_id END]) AS changed (id)
  WHERE id IS NOT NULL;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER search_commit_added AFTER INSERT ON git_activity FOR EACH ROW
  WHEN (NEW.session_id IS NOT NULL AND NEW.message IS NOT NULL)
  EXECUTE FUNCTION search_commit_changed();
CREATE OR REPLACE TRIGGER search_commit_changed AFTER UPDATE ON git_activity FOR EACH ROW
  WHEN (NEW.message IS NOT NULL AND OLD.session_id IS DISTINCT FROM NEW.session_id)
  EXECUTE FUNCTION search_commit_changed();
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER search_commit_added;
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER search_commit_changed;
