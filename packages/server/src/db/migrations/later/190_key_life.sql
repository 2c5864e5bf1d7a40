-- Phase 16: keys. A rotation shortens expires_at to the end of the grace; a later successor gets the life that the key was made with.

-- expires_at before the first rotation, 'infinity' for a key without one; NULL: never rotated.
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS issued_expires_at TIMESTAMPTZ;
