-- What people read first of a transcript: the messages between which the agent works are few among many.
CREATE INDEX IF NOT EXISTS idx_transcript_msg_marks
  ON transcript_messages (session_id, coalesce(subagent_id, ''), sorted_at, ordinal, id)
  WHERE kind IN ('prompt', 'command', 'shell_command', 'interruption', 'task', 'compaction');
