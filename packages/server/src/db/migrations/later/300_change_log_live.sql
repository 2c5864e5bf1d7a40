-- Of jobs and devices: the other ids have columns of their own.
ALTER TABLE change_log ADD COLUMN IF NOT EXISTS ids TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE change_log ALTER COLUMN ids SET STORAGE EXTERNAL;

-- Wakes the live readers of all processes. Commits that notify wait for one another, so a flush tells them after its commit.
CREATE OR REPLACE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('wharf_change', '');
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER change_log_notify AFTER INSERT ON change_log FOR EACH ROW
  WHEN (NEW.kind <> 'events') EXECUTE FUNCTION notify_change();
ALTER TABLE change_log ENABLE ALWAYS TRIGGER change_log_notify;
