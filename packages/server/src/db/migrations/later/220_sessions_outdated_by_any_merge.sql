-- The version before also writes a session's columns from facts that stay equal: a late round of an event that is known, or of a
-- session that was not heard of for a while. Then, too, the row lacks what only this version knows. No other version writes facts.
CREATE OR REPLACE TRIGGER sessions_outdated BEFORE UPDATE OF facts ON sessions
  FOR EACH ROW EXECUTE FUNCTION mark_session_outdated();
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_outdated;
