-- Whether a flush that checks parents by set has counted its events itself: those of the version before do not. Remove the trigger and the
-- column with the next release.
LOCK TABLE change_log IN ACCESS EXCLUSIVE MODE;
ALTER TABLE change_log ADD COLUMN IF NOT EXISTS is_counted BOOLEAN NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION count_flushed_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_slot_changes
  SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch'), count(*)
  FROM events WHERE id = ANY (NEW.event_ids) GROUP BY 1, 2, 3;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER change_log_counted AFTER INSERT ON change_log FOR EACH ROW
  WHEN (NEW.kind = 'events' AND NOT NEW.is_counted AND current_setting('session_replication_role') = 'replica')
  EXECUTE FUNCTION count_flushed_events();
ALTER TABLE change_log ENABLE ALWAYS TRIGGER change_log_counted;

-- Each flush that was not counted has committed before the lock was granted, and its device with it.
INSERT INTO event_recounts (device_id) SELECT id FROM devices ON CONFLICT DO NOTHING;
