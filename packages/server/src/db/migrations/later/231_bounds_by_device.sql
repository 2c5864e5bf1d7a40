-- migrate:no-transaction
-- The starts and ends of one device, however many another device has sent for its session.
DROP INDEX CONCURRENTLY IF EXISTS idx_events_bounds_by_device;
CREATE INDEX CONCURRENTLY idx_events_bounds_by_device ON events (session_id, device_id, type, timestamp, id)
  WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end');
DROP INDEX CONCURRENTLY IF EXISTS idx_events_session_bounds;
