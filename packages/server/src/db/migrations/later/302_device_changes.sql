-- One row for all devices that a statement changes, for live readers.
CREATE OR REPLACE FUNCTION note_changed_devices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change_log (kind, ids) SELECT 'device', array_agg(id) FROM changed HAVING count(*) > 0;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER devices_noted_new AFTER INSERT ON devices REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_changed_devices();
CREATE OR REPLACE TRIGGER devices_noted AFTER UPDATE ON devices REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_changed_devices();
ALTER TABLE devices ENABLE ALWAYS TRIGGER devices_noted_new;
ALTER TABLE devices ENABLE ALWAYS TRIGGER devices_noted;
