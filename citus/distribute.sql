-- Distributes the table events by workspace over the nodes of a Citus cluster. Read "Citus" in docs/scaling.md first: the server does not
-- store events in a distributed table yet, so this is for trying queries and sizes on a copy of a database.
--
--   psql -v ON_ERROR_STOP=1 -f citus/distribute.sql "$DATABASE_URL"
--
-- Run it on the coordinator, after the migrations, while no server runs. All other tables stay on the coordinator.
BEGIN;

-- A distributed table cannot refer to a table of the coordinator, nor be referred to by one. The parents cannot be reference tables,
-- because they have triggers.
ALTER TABLE projection_retries DROP CONSTRAINT IF EXISTS projection_retries_event_id_fkey;
ALTER TABLE events
  DROP CONSTRAINT IF EXISTS events_device_id_fkey,
  DROP CONSTRAINT IF EXISTS events_session_id_fkey,
  DROP CONSTRAINT IF EXISTS events_workspace_id_fkey;

-- Nor can it have triggers: plots do not count what is inserted or deleted by hand.
DROP TRIGGER IF EXISTS events_counted ON events;
DROP TRIGGER IF EXISTS events_uncounted ON events;

-- A node knows the keys of its own workspaces alone: an id is unique within its workspace.
ALTER TABLE events DROP CONSTRAINT IF EXISTS events_pkey;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (workspace_id, id);
CREATE INDEX IF NOT EXISTS idx_events_id ON events (id);

SELECT create_distributed_table('events', 'workspace_id');

COMMIT;
