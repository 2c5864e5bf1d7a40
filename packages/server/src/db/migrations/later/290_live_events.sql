-- migrate:no-transaction
-- The last event that shows what happens in a session, however many other events it has.
DROP INDEX CONCURRENTLY IF EXISTS idx_events_live;
CREATE INDEX CONCURRENTLY idx_events_live ON events (session_id, device_id, timestamp DESC, id DESC)
  WHERE session_id IS NOT NULL AND type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting');
