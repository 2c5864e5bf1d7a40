-- A device that enrols also gets a key with which it reads. It is the device's own: removing the device revokes it.
ALTER TABLE enrolment_codes ADD COLUMN IF NOT EXISTS may_read BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE api_keys
  DROP CONSTRAINT IF EXISTS api_keys_check,
  DROP CONSTRAINT IF EXISTS api_keys_device_check,
  ADD CONSTRAINT api_keys_device_check CHECK (device_id IS NULL OR scope IN ('ingest', 'read'));
