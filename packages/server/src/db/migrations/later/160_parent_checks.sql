-- Ingest checks the parents of its events in sets (ADR 23), on connections where session_replication_role = replica leaves out
-- the foreign keys' own checks, and with them every trigger that is not enabled always.
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_added;
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_changed;
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_removed;
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_not_deleted;
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER git_activity_added;
ALTER TABLE git_activity ENABLE ALWAYS TRIGGER git_activity_removed;

-- The parents are there and stay until the end of the transaction: nobody deletes one meanwhile, and those who did so before are
-- seen by the queries below, each of which has a snapshot of its own (READ COMMITTED), younger than the lock. The lock on the
-- tables keeps their triggers as they are found. Raises what a foreign key raises where a parent is missing, lock_not_available
-- while one is being deleted, object_not_in_prerequisite_state where a trigger would not fire.
CREATE OR REPLACE FUNCTION hold_parents(workspace_ids text[], device_ids text[], session_ids text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE workspaces, devices, sessions, git_activity IN ROW EXCLUSIVE MODE;
  IF EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid IN ('workspaces'::regclass, 'devices'::regclass, 'sessions'::regclass, 'git_activity'::regclass)
      AND NOT tgisinternal AND tgenabled <> 'A'
  ) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a trigger would not fire here: foreign keys have to check';
  END IF;
  IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('wharf: parents', 0)) THEN
    RAISE lock_not_available USING MESSAGE = 'a workspace, device or session is being deleted';
  END IF;
  IF (SELECT count(*) FROM workspaces WHERE id = ANY (workspace_ids)) < cardinality(workspace_ids)
    OR (SELECT count(*) FROM devices WHERE id = ANY (device_ids)) < cardinality(device_ids)
    OR (SELECT count(*) FROM sessions WHERE id = ANY (session_ids)) < cardinality(session_ids)
  THEN
    RAISE foreign_key_violation USING
      MESSAGE = 'a workspace, device or session of these events is not there',
      CONSTRAINT = 'events_parents';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION wait_for_parents_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('wharf: parents', 0));
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER workspaces_held BEFORE DELETE OR UPDATE OF id ON workspaces
  FOR EACH STATEMENT EXECUTE FUNCTION wait_for_parents_held();
CREATE OR REPLACE TRIGGER devices_held BEFORE DELETE OR UPDATE OF id ON devices
  FOR EACH STATEMENT EXECUTE FUNCTION wait_for_parents_held();
CREATE OR REPLACE TRIGGER sessions_held BEFORE DELETE OR UPDATE OF id ON sessions
  FOR EACH STATEMENT EXECUTE FUNCTION wait_for_parents_held();
ALTER TABLE workspaces ENABLE ALWAYS TRIGGER workspaces_held;
ALTER TABLE devices ENABLE ALWAYS TRIGGER devices_held;
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_held;
