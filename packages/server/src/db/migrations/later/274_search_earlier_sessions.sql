-- Sessions of earlier versions are found by their texts, too.
INSERT INTO search_queue (session_id)
SELECT id FROM sessions
WHERE deleted_at IS NULL AND (title IS NOT NULL OR initial_prompt IS NOT NULL OR summary IS NOT NULL);
