-- Search has an index of its own, and agents write more kinds of blocks than four.

DROP INDEX IF EXISTS idx_content_blocks_text;
ALTER TABLE content_blocks DROP CONSTRAINT IF EXISTS content_blocks_block_type_check;
