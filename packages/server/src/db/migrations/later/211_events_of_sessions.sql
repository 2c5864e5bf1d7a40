-- migrate:no-transaction
-- A session's starts and ends, however many other events it has.
DROP INDEX CONCURRENTLY IF EXISTS idx_events_session_bounds;
CREATE INDEX CONCURRENTLY idx_events_session_bounds ON events (session_id, type, timestamp, id)
  WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end');
