-- migrate:no-transaction
-- In pieces, each committed: an append waits for one piece, not for all files. Writers of source_bytes lock the file first, so no generation
-- grows between the lock and the update.
DO $$
DECLARE
  last_id BIGINT := 0;
  piece BIGINT[];
BEGIN
  LOOP
    piece := ARRAY(SELECT id FROM transcript_files WHERE id > last_id ORDER BY id LIMIT 1000 FOR NO KEY UPDATE);
    EXIT WHEN piece = '{}';
    UPDATE transcript_files f SET held_bytes = g.source_bytes FROM transcript_generations g
    WHERE f.id = ANY (piece) AND g.file_id = f.id AND g.generation = f.generation AND f.held_bytes <> g.source_bytes;
    COMMIT;
    last_id := piece[cardinality(piece)];
  END LOOP;
END $$;
