-- Queues a session for the search when something changes that its documents show. Most changes of a session are others.

CREATE OR REPLACE FUNCTION search_session_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_queue (session_id) VALUES (NEW.id);
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER search_session_added AFTER INSERT ON sessions FOR EACH ROW
  WHEN (NEW.title IS NOT NULL OR NEW.initial_prompt IS NOT NULL OR NEW.summary IS NOT NULL)
  EXECUTE FUNCTION search_session_changed();
CREATE OR REPLACE TRIGGER search_session_changed AFTER UPDATE ON sessions FOR EACH ROW
  WHEN ((OLD.title, OLD.initial_prompt, OLD.summary, OLD.workspace_id) IS DISTINCT FROM
    (NEW.title, NEW.initial_prompt, NEW.summary, NEW.workspace_id))
  EXECUTE FUNCTION search_session_changed();
ALTER TABLE sessions ENABLE ALWAYS TRIGGER search_session_added;
ALTER TABLE sessions ENABLE ALWAYS TRIGGER search_session_changed;
