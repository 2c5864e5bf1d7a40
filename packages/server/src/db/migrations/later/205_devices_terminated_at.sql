-- When a device was removed: events that were stored before do not bring it back, later ones do. NULL: by a version that did not note it.
ALTER TABLE devices ADD COLUMN IF NOT EXISTS terminated_at TIMESTAMPTZ;
