-- Starts of a session that another device had started before, sent with a key that is bound to the later device. Such a start may
-- resume the session, but does not say where or when it began. No foreign key: it is noted before the event is stored.
CREATE TABLE IF NOT EXISTS session_claims (
  event_id   TEXT PRIMARY KEY,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
