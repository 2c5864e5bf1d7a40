-- A flush's ids are read once and soon: compressing 27 KB of ULIDs and moving them out of line cost 2.5 µs an event of a large
-- flush. Up to 8 KB they stay in their row.
ALTER TABLE change_log
  ALTER COLUMN event_ids     SET STORAGE EXTERNAL,
  ALTER COLUMN session_ids   SET STORAGE EXTERNAL,
  ALTER COLUMN workspace_ids SET STORAGE EXTERNAL,
  SET (toast_tuple_target = 8160);
