-- Enabling the trigger takes this lock, too: a lock that grows could wait for a transaction that waits for it.
LOCK TABLE transcript_generations IN ACCESS EXCLUSIVE MODE;

-- By a trigger: processes of the version before, imports and appends keep it alike.
CREATE OR REPLACE FUNCTION keep_held_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE transcript_files SET held_bytes = NEW.source_bytes WHERE id = NEW.file_id AND generation = NEW.generation;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER transcript_generations_held AFTER INSERT OR UPDATE OF source_bytes ON transcript_generations
  FOR EACH ROW EXECUTE FUNCTION keep_held_bytes();
ALTER TABLE transcript_generations ENABLE ALWAYS TRIGGER transcript_generations_held;
