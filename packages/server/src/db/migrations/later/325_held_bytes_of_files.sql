-- Writers of source_bytes lock the file first, so no generation grows between the lock and the second statement.
SELECT FROM transcript_files ORDER BY id FOR NO KEY UPDATE;
UPDATE transcript_files f SET held_bytes = g.source_bytes FROM transcript_generations g
WHERE g.file_id = f.id AND g.generation = f.generation AND f.held_bytes <> g.source_bytes;
