-- True: something is known of the session that its row does not show yet. A job looks for what a process left behind.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS is_outdated BOOLEAN NOT NULL DEFAULT false;

-- The version before merges sessions by `facts`, which lack what this version knows from events and reports; where it writes them
-- during a rolling deployment, the row is derived again.
CREATE OR REPLACE FUNCTION mark_session_outdated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.is_outdated := true;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sessions_outdated BEFORE UPDATE OF facts ON sessions
  FOR EACH ROW WHEN (NEW.facts IS DISTINCT FROM OLD.facts) EXECUTE FUNCTION mark_session_outdated();
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_outdated;
